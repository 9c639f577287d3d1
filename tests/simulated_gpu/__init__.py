"""A simulated GB10: real PyTorch CUDA wheels run their dispatcher, Jiterator and NVRTC on a machine without a GPU.

Stand-ins for the CUDA driver and runtime, and stubs for the libraries above them, come in by LD_PRELOAD; NVRTC is
always the real one. No product code imports this package; only demo tasks do, lazily.

    c/                  the stand-ins, one file per library or part of one; no header of CUDA's is needed
        device.[ch]     settings from SIMULATED_GPU_* variables, attributes, faults; with trace.c, errors.c and memory.c
                        these make the driver, which the runtime is linked against
        fatbin.[ch]     fat binaries, cubins, PTX: what runs on the device
        libcuda.c, driver_modules.c                    the driver
        libcudart.c, cudart_*.[ch]                     the runtime, of CUDA 12 or 13
        libcudnn.c, cudnn_rnn.c, lib*.c                what needs more than "success" of the rest
    symbols.py          which CUDA symbols a torch's libraries import, and from which library
    stubs.py            C text for the symbols that c/ does not define, and version scripts (pure)
    build.py            build(): the libraries for one torch, compiled in seconds, cached by digest
    trace.py            what was loaded, compiled and launched, read back (pure)
    try_operations.py   operations that must not crash, run under the interpreter under test
    gpu.py              SimulatedGpu, Faults: the Python face
    overlay.py          a throwaway venv that sees an environment's packages and carries the hook
    inside/             what runs in the interpreter under test: hook.py, mirror.py
    smi/                a fake nvidia-smi
    environments.py, matrix.py, settings.py, seed_failure.py   environments of a torch version; the experiments
    arm64/              an aarch64 machine

What a simulation proves: everything up to the module load and the launch, for a device that says it is a GB10. What
it does not: that a real driver accepts a cubin, any result of a kernel, any speed.
"""
