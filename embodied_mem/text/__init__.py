"""How texts are compared: words, synonyms, and the index that finds them."""
