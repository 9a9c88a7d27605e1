"""Prefixes that Arabic and Hebrew write as part of a word: "the", "and", "in", "to" and their combinations.

A prefix is taken off only if enough letters are left that few words lose a letter of their own. The common
words that would are listed in `embodied_mem/data/words_without_prefix.txt`. Hebrew "from", "as" and "that"
are taken off before "the" alone: too many nouns begin with their letters.
"""

# ruff: noqa: RUF001 - letters that look like Latin ones are meant
import re
from functools import cache
from importlib.resources import files

_ARABIC = re.compile("ال(?=..)|[وف]?[بك]?ال(?=...)|[وف]?لل(?=..)|[وبل](?=.{5})")
_HEBREW = re.compile("(?:כש|מ|ש)?ה(?=...)|[בל](?=...)")
_HEBREW_AND = re.compile(r"\Aו(?=...)")


def without_prefix(word: str) -> str:
    """Return an Arabic or Hebrew word, without vowel marks, without its prefixes; other words unchanged."""
    if "\u0621" <= word[0] <= "\u064a":
        return _stripped(word, _ARABIC)
    if "\u05d0" <= word[0] <= "\u05ea":
        # "and" comes before every other prefix, so it is looked for once.
        return _stripped(word if word in _kept() else _HEBREW_AND.sub("", word), _HEBREW)
    return word


def _stripped(word: str, prefix: re.Pattern[str]) -> str:
    # Repeated, so that a word that itself begins like a prefix is the same with and without one before it.
    while word not in _kept() and (found := prefix.match(word)):
        word = word[found.end() :]
    return word


@cache
def _kept() -> frozenset[str]:
    """Return the words that begin with letters of a prefix and have none."""
    text = (files("embodied_mem") / "data" / "words_without_prefix.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())
