"""How texts are compared: words, synonyms, and the index that searches them."""

__all__: list[str] = []
