"""Copies of stores: branches, merges, portable folders."""

__all__: list[str] = []  # `MemoryStore` has a method for each
