"""Words such as "the" and "is", which count less because they say little of what a text is about."""

from functools import cache
from importlib.resources import files

from embodied_mem.text.synonyms import parse_lines
from embodied_mem.text.words import words


@cache
def function_words() -> frozenset[str]:
    """The stems of every word in `embodied_mem/data/function_words.txt`, whatever its language."""
    text = (files("embodied_mem") / "data" / "function_words.txt").read_text(encoding="utf-8")
    return frozenset(stem for line in parse_lines(text) for stem in words(line))
