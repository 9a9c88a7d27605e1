"""Stores on the move: branches, merges, portable folders."""

__all__: list[str] = []  # `MemoryStore` has a method for each
