"""Derived views: computed from the log in sequence order, kept nowhere else, rebuilt at any time."""

__all__: list[str] = []  # a recall and `MemoryStore` ask them
