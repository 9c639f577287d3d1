"""An aarch64 machine on an x86_64 one, with the real aarch64 torch and NVRTC, for the simulated GB10.

    entering.py    the command line that runs one aarch64 program in the root file system (pure)
    machine.py     the machine: what it takes, making it, running in it
    packages.py    an environment of torch, NVRTC and what torch imports, installed from outside by our own plan
    nvrtc.py       an older NVRTC in the place of torch's own
    simulated.py   the simulated GB10 there
    verifying.py   verify's probes there, and the report
    cpuinfo.txt    what /proc/cpuinfo says there: torch reads it

Nothing is configured in the root file system, nothing is registered on this machine (qemu is started by name, so
binfmt_misc is not needed; a program there can't start another one), and mounts end with the command they are for.
"""
