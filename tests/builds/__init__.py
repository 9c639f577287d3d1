"""Wheels built by real compilers: what goes right, what goes wrong, and that the next run mends it."""
