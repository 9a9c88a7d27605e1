"""Function words such as "the" and "is", which count less because they carry little meaning."""

from functools import cache
from importlib.resources import files

from embodied_mem.text.synonyms import parse_lines
from embodied_mem.text.words import words


@cache
def function_words() -> frozenset[str]:
    """Return the stems of all words in `embodied_mem/data/function_words.txt`, of every language."""
    text = (files("embodied_mem") / "data" / "function_words.txt").read_text(encoding="utf-8")
    return frozenset(stem for line in parse_lines(text) for stem in words(line))
