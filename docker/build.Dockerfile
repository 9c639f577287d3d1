# Where `invoke wheel.build --in container` compiles: NVIDIA's CUDA toolkit, a C++ compiler, git and Python, and no more.
# Everything that is pinned (torch, the build tools, uv) comes from outside, into the build's own environment.
#
#     docker build --file docker/build.Dockerfile --network host --tag kokoro-spark-build docker
#     docker run --rm --user "$(id -u):$(id -g)" --env HOME=/tmp --network host \
#         --mount type=volume,source=kokoro-spark-caches,target=/caches \
#         --mount type=bind,source="$(command -v uv)",target=/usr/local/bin/uv,readonly \
#         --mount type=bind,source="$PWD",target="$PWD" --workdir "$PWD" \
#         --env TORCH_CUDA_ARCH_LIST=12.1a --env MAX_JOBS=4 kokoro-spark-build uv build --wheel
#
# That is the build by hand: its caches are in a volume. `invoke wheel.build` mounts folders of the data root instead, at
# their own paths, so that host and container have one compiler cache and one uv cache, and the next run finds what a
# killed one left. docker's older builder, BuildKit and podman all take this file: no RUN --mount.
ARG BASE=docker.io/nvidia/cuda:13.2.0-devel-ubuntu24.04@sha256:f9492f2eea77fbc3d0c14fa8738f35946b42da72917bf5959d284ca39b4f209a

FROM ${BASE}
ARG BUILD=by-hand
LABEL kokoro-spark.build=${BUILD}
USER root
# What a recipe asks for beside, and the cross compiler where the wheel is for another machine.
ARG PACKAGES=
# Only what the base lacks is fetched. dpkg says `ii` for what is installed.
RUN for package in ca-certificates file g++ gcc git libc6-dev make python3 python3-dev util-linux ${PACKAGES}; do \
        dpkg-query --show --showformat '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' \
            || missing="$missing $package"; \
    done \
    && if [ -n "$missing" ]; then \
        apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing \
            && rm -rf /var/lib/apt/lists/*; \
    fi
# Fails here, and not in the middle of a build: compilers that start, and Python's headers.
RUN g++ --version && git --version && /usr/local/cuda/bin/nvcc --version \
    && python3 -c 'import os, sysconfig; os.stat(os.path.join(sysconfig.get_path("include"), "Python.h"))'
# Whoever runs it (--user) may write below /caches.
RUN for folder in . ccache uv; do install --directory --mode 1777 /caches/$folder; done
ENV PATH=/usr/local/cuda/bin:${PATH} \
    CUDA_HOME=/usr/local/cuda \
    CCACHE_DIR=/caches/ccache \
    UV_CACHE_DIR=/caches/uv
USER nobody
WORKDIR /caches
