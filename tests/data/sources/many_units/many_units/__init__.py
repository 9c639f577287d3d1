"""A library of many units, and nothing to call it with."""
