"""The host half of verify: what is asked, what it means, how it is told. Judging is pure."""
