/* libnccl.so: the version that torch asks for. One simulated GPU talks to nobody. */
#include "library.h"

EXPORTED int ncclGetVersion(int *version) {
    *version = 22800;
    return 0;
}
