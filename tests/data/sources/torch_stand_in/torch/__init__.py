"""A STAND-IN of torch: a version, and no tensor."""

from torch.version import __version__

__all__ = ["__version__"]
