"""Text search: words, synonyms and the inverted index."""

__all__: list[str] = []
