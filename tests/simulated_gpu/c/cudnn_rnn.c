/* libcudnn.so: what torch's LSTM asks of cuDNN. It gives the layout of one flat buffer of weights, and torch copies
 * every matrix and bias to where it says.
 *
 * The layout here: for each layer and direction the input matrices of all gates, then the recurrent ones; after all
 * of these the biases. cuDNN promises no layout, so any that is consistent will do.
 */
#include "cudnn.h"

struct rnn {
    int cell; /* 0, 1: plain, 2: LSTM, 3: GRU */
    int has_bias;
    int directions;
    int type;
    size_t input, hidden;
    int layers;
};

EXPORTED int cudnnCreateRNNDescriptor(struct rnn **rnn) {
    *rnn = calloc(1, sizeof **rnn);
    return *rnn == NULL;
}

EXPORTED int cudnnDestroyRNNDescriptor(struct rnn *rnn) {
    free(rnn);
    return 0;
}

EXPORTED int cudnnSetRNNDescriptor_v8(struct rnn *rnn, int algorithm, int cell, int bias, int direction, int input_mode,
                                      int type, int precision, int math, int32_t input, int32_t hidden,
                                      int32_t projection, int32_t layers, void *dropout, uint32_t flags) {
    rnn->cell = cell;
    rnn->has_bias = bias != 0; /* CUDNN_RNN_NO_BIAS */
    rnn->directions = direction == 0 ? 1 : 2;
    rnn->type = type;
    rnn->input = (size_t)input;
    rnn->hidden = (size_t)hidden;
    rnn->layers = layers;
    return 0;
}

static size_t gates_of(const struct rnn *rnn) {
    return rnn->cell == 2 ? 4 : rnn->cell == 3 ? 3 : 1;
}

/* CUDNN_DATA_FLOAT is 0, CUDNN_DATA_DOUBLE 1, what else a network may be of has two bytes. */
static size_t element_bytes(const struct rnn *rnn) {
    return rnn->type == 1 ? 8 : rnn->type == 0 ? 4 : 2;
}

static size_t input_of(const struct rnn *rnn, int layer) {
    return layer == 0 ? rnn->input : rnn->hidden * (size_t)rnn->directions;
}

/* Elements of the matrices of one layer in one direction. */
static size_t matrices_of(const struct rnn *rnn, int layer) {
    return gates_of(rnn) * rnn->hidden * (input_of(rnn, layer) + rnn->hidden);
}

/* Elements of the matrices of so many layers, each direction counted as one, as cuDNN's pseudo-layers. */
static size_t matrices_before(const struct rnn *rnn, int pseudo_layers) {
    size_t elements = 0;
    for (int index = 0; index < pseudo_layers; index++) {
        elements += matrices_of(rnn, index / rnn->directions);
    }
    return elements;
}

EXPORTED int cudnnGetRNNWeightSpaceSize(void *handle, const struct rnn *rnn, size_t *bytes) {
    int pseudo_layers = rnn->layers * rnn->directions;
    size_t biases = rnn->has_bias ? (size_t)pseudo_layers * 2 * gates_of(rnn) * rnn->hidden : 0;
    *bytes = element_bytes(rnn) * (matrices_before(rnn, pseudo_layers) + biases);
    return 0;
}

EXPORTED int cudnnGetRNNTempSpaceSizes(void *handle, const struct rnn *rnn, int mode, void *input,
                                       size_t *workspace_bytes, size_t *reserve_bytes) {
    if (workspace_bytes != NULL) {
        *workspace_bytes = 1024;
    }
    if (reserve_bytes != NULL) {
        *reserve_bytes = 1024;
    }
    return 0;
}

static void describe(struct tensor *tensor, const struct rnn *rnn, size_t rows, size_t columns) {
    const int sizes[] = {1, (int)rows, (int)columns};
    const int strides[] = {(int)(rows * columns), (int)columns, 1};
    set_tensor(tensor, rnn->type, 3, sizes, strides);
}

/* `linear` numbers the gates' matrices: first those on the input, then the recurrent ones, then projections. Torch
 * passes NULL for what it does not want. */
EXPORTED int cudnnGetRNNWeightParams(void *handle, const struct rnn *rnn, int32_t pseudo_layer, size_t bytes,
                                     const void *weights, int32_t linear, struct tensor *matrix_descriptor,
                                     void **matrix, struct tensor *bias_descriptor, void **bias) {
    struct tensor unwanted_tensor;
    void *unwanted;
    matrix_descriptor = matrix_descriptor == NULL ? &unwanted_tensor : matrix_descriptor;
    bias_descriptor = bias_descriptor == NULL ? &unwanted_tensor : bias_descriptor;
    matrix = matrix == NULL ? &unwanted : matrix;
    bias = bias == NULL ? &unwanted : bias;
    size_t gates = gates_of(rnn);
    size_t index = (size_t)linear;
    *matrix = NULL;
    *bias = NULL;
    if (index >= 2 * gates) { /* a projection, which Kokoro has none of */
        matrix_descriptor->dimensions = 0;
        bias_descriptor->dimensions = 0;
        return 0;
    }
    size_t hidden = rnn->hidden;
    size_t input = input_of(rnn, pseudo_layer / rnn->directions);
    size_t columns = index < gates ? input : hidden;
    size_t inside = index < gates ? index * hidden * input : gates * hidden * input + (index - gates) * hidden * hidden;
    char *start = (char *)weights;
    *matrix = start + element_bytes(rnn) * (matrices_before(rnn, pseudo_layer) + inside);
    describe(matrix_descriptor, rnn, hidden, columns);
    if (rnn->has_bias) {
        size_t matrices = matrices_before(rnn, rnn->layers * rnn->directions);
        size_t before = ((size_t)pseudo_layer * 2 * gates + index) * hidden;
        *bias = start + element_bytes(rnn) * (matrices + before);
    }
    describe(bias_descriptor, rnn, hidden, 1);
    return 0;
}
