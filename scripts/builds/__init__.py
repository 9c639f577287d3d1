"""Wheels built here, for exactly one GPU: from a recipe to a wheel in the wheelhouse."""
