"""The store: make, record, reuse, switch, remove. One folder an environment, one record in it, one link `current`."""
