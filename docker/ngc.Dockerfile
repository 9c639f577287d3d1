# Kokoro beside the torch of a base image: NVIDIA's PyTorch image, or any other whose python3 has torch for CUDA.
#
#     docker build --file CONTEXT/ngc.Dockerfile --network host --tag kokoro CONTEXT
#
# CONTEXT is the folder `context` that `invoke setup --strategy ngc` leaves in its environment: this file, base_torch.py,
# the pins, our two small wheels, pip's configuration (empty there). docker's older builder, BuildKit and podman all take
# it: no RUN --mount. Nothing here needs torchaudio or torchvision.
ARG BASE=nvcr.io/nvidia/pytorch:25.12-py3

FROM ${BASE} AS packages
# This stage holds pip's configuration, credentials and all. By this label it is found, and deleted after the build.
ARG BUILD=by-hand
LABEL kokoro-spark.build=${BUILD}
USER root
COPY . /context/
# The configuration that the context brings, and no other: an image of NVIDIA's pins in PIP_CONSTRAINT what it was made
# of, numpy and all, and those pins are not Kokoro's.
ENV PIP_CONFIG_FILE=/context/private/pip.conf \
    PIP_CONSTRAINT=/opt/kokoro-spark/constraint.txt \
    PIP_INDEX_URL= PIP_EXTRA_INDEX_URL= PIP_FIND_LINKS= PIP_NO_INDEX= \
    PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore PIP_USE_PEP517=1
# Fails where there are no pins for this image's Python; else chooses them and pins its torch in the constraint.
RUN python3 -I /context/base_torch.py remember /context /opt/kokoro-spark
# --without-pip: an image may have Python without ensurepip. Through the venv the image's pip installs into the venv.
RUN python3 -m venv --without-pip --system-site-packages /opt/kokoro-spark
# docopt is a source archive, and what builds it is pinned too: --no-build-isolation takes it from /tools.
RUN python3 -m pip install --no-deps --require-hashes --only-binary :all: --target /tools -r /context/build.txt
# --ignore-installed: what the image has in another version (numpy, for one) is shadowed by our pin, in the venv alone.
# That is wanted: Kokoro was tested with these pins, and the image's own programs keep theirs. --no-deps, the constraint
# and the check below keep torch what it is.
RUN PYTHONPATH=/tools /opt/kokoro-spark/bin/python -m pip install --ignore-installed --no-deps --require-hashes \
        --only-binary :all: --no-binary docopt --no-build-isolation -r /opt/kokoro-spark/requirements.txt \
    && /opt/kokoro-spark/bin/python -m pip install --no-deps --require-hashes --no-index -r /context/made.txt

FROM ${BASE}
ARG BUILD=by-hand
LABEL kokoro-spark.build=${BUILD}
ARG USER_ID=10001
USER root
COPY --from=packages /opt/kokoro-spark /opt/kokoro-spark
# Whoever runs it (--user) may write below /data: volumes for weights and caches go there.
RUN useradd --uid ${USER_ID} --user-group --create-home --shell /bin/sh kokoro \
    && for folder in . weights caches; do install --directory --mode 1777 /data/$folder; done
# The torch in use is the image's own, and built for CUDA; else the build fails and says why.
RUN /opt/kokoro-spark/bin/python -I /opt/kokoro-spark/base_torch.py check /opt/kokoro-spark
# Nothing is looked up while speaking. The constraint stays: a later pip in here cannot replace torch either.
ENV PATH=/opt/kokoro-spark/bin:${PATH} \
    PIP_CONSTRAINT=/opt/kokoro-spark/constraint.txt \
    HF_HUB_OFFLINE=1 \
    TRANSFORMERS_OFFLINE=1 \
    TOKENIZERS_PARALLELISM=false \
    KOKORO_SPARK_WEIGHTS=/data/weights \
    HF_HOME=/data/caches/huggingface \
    CUDA_CACHE_PATH=/data/caches/cuda \
    PYTORCH_KERNEL_CACHE_PATH=/data/caches/kernels \
    TORCHINDUCTOR_CACHE_DIR=/data/caches/inductor \
    TRITON_CACHE_DIR=/data/caches/triton
USER kokoro
WORKDIR /data
