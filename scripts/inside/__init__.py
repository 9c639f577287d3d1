"""Probes: the half of the toolkit that runs inside a provisioned interpreter, never imported by the host.

Python 3.10 or newer, the standard library, torch, numpy and kokoro only. One process answers one question; see
__main__.py for the contract and scripts/probing.py for the host's side of it.
"""
