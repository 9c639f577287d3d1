"""A simulated GB10: real PyTorch CUDA wheels run their dispatcher, Jiterator and NVRTC on a machine without a GPU.

Stand-ins for the CUDA driver and runtime, and stubs for the libraries above them, come in by LD_PRELOAD; NVRTC is
always the real one. No product code imports this package; only demo tasks do, lazily.

The GPU:
    c/                  the stand-ins, one file per library or part of one; no header of CUDA's is needed
        device.[ch]     settings from SIMULATED_GPU_* variables, attributes, faults; with trace.c, errors.c and memory.c
                        these make the driver, which the runtime is linked against
        fatbin.[ch]     fat binaries, cubins, PTX: what runs on the device
        libcuda.c, driver_modules.c, libnvidia-ml.c    the driver, and NVML, which comes with it
        libcudart.c, cudart_*.[ch], cudart.h           the runtime, of CUDA 12 or 13
        libcudnn.c, cudnn_rnn.c, lib*.[ch], cudnn.h    what needs more than "success" of the rest
    symbols.py          which CUDA symbols a torch's libraries import, and from which library
    stubs.py            C text for the symbols that no file there defines, and version scripts (pure)
    build.py            build(): the libraries for one torch, compiled in seconds, cached by digest
    trace.py            what was loaded, compiled and launched, read back (pure)
    gpu.py              SimulatedGpu, Faults: the Python face
    overlay.py          a throwaway venv that sees an environment's packages and carries the hook
    nvrtc.py            another NVRTC in the place of the one that torch's wheel pins
    nvrtc_folder.py     a folder with one NVRTC release, out of NVIDIA's wheel
    soname.py           a shared library under another name (pure)
    kept.py             what is made once, such as below the data root: whole or not at all
    inside/             what runs in the interpreter under test: the hook, and the mirror that gives operations values
    smi/                a fake nvidia-smi
    arm64/              an aarch64 machine

The experiments:
    environments.py     slim environments: one torch, one NVRTC, Kokoro's closure (older_transformers.txt for old ones)
    judging.py          `invoke demo.verify`: an environment judged on a GPU that is not there
    matrix.py           the version matrix, each cell verified and predicted; matrix_cells.py: its values (pure),
                        matrix_table.py: its Markdown (pure)
    settings.py         the settings that people try, each tried; settings_rows.py: their values (pure)
    seed_failure.py     the failure that this project began with, and each remedy; seed_story.py: its values (pure)
    remembering.py      a runner that asks about Kokoro on the CPU once
    document.py         docs/testing.md: its tables written from what is kept; pages.py: between two markers (pure)

The tests, which need a compiler and packages (markers `simulated`, `aarch64`):
    conftest.py, needs.py                        fixtures; what is missing, and that it is a failure in CI
    try_operations.py, mirror_cases.py           run by the interpreter under test
    test_*.py                                    the pure parts are tested in tests/unit/simulated_gpu

What a simulation proves: everything up to the module load and the launch, for a device that says it is a GB10. What
it does not: that a real driver accepts a cubin, any result of a kernel, any speed. Calls that ask cuSOLVER, cuSPARSE or
cuDNN's old interface for a size or a choice are refused: there is nothing true to answer.
"""
