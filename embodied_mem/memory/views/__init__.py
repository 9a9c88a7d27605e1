"""Views derived from the log in sequence order, not stored, and rebuilt at any time."""

__all__: list[str] = []  # internal: used by recall and `MemoryStore`
