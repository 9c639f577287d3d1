"""What runs in the interpreter under test: copied into an overlay, whose Python may be 3.10. stdlib and torch only.

hook.py         waits for torch's import, and enters the mirror where the loaded CUDA is simulated
mirror.py       every operation on the device for real, then the CPU's values into its results
operations.py   what an operation's schema says about it
host_memory.py  a device tensor's memory as a CPU tensor
cuda_only.py    values of operations that exist on CUDA alone
faults.py       the faults that are made here: noise, parameters that stay on the CPU
"""
