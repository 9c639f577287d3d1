"""The values that flow through the house: frozen, printable, serialisable (see scripts.serial)."""
