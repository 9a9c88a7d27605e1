"""Back ends: where the log is kept."""

__all__: list[str] = []  # `MemoryStore` opens one
