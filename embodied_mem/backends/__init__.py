"""Back ends, which store the log."""

__all__: list[str] = []  # `MemoryStore` opens a back end
