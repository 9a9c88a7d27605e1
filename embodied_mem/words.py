"""Text to words: Unicode-aware, lightly stemmed, the same for what is stored and what is asked."""

import re
import unicodedata
from functools import lru_cache

MAX_INDEXED_CHARS = 65_536  # of one text; what comes after is kept but not searched

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # simulators name things `CounterTop`
# Scripts written without spaces, and Hangul, whose particles stick to nouns: pairs of characters serve as
# words.
_UNSPACED = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+"
)


def words(text: str) -> list[str]:
    """Stemmed words of a text in order; runs of Chinese, Japanese or Korean become overlapping pairs."""
    text = text[:MAX_INDEXED_CHARS]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    found = _WORD.findall(_CAMEL.sub(" ", text).casefold())
    if text.isascii():
        return [stem(word) for word in found]
    return [part for word in found for part in _parts(word)]


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The word without plural -s, -ing, -ed or final -e; other alphabets and numbers are left alone."""
    if len(word) < 3 or not word.isascii() or not word.isalpha():
        return word
    return _without_e(_without_ending(_without_plural(word)))


def _without_plural(word: str) -> str:
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("ches", "shes", "sses", "xes", "zes")) else word[:-1]


def _without_ending(word: str) -> str:
    for ending in ("ing", "ed"):
        base = word.removesuffix(ending)
        if base != word and len(base) >= 3 and re.search("[aeiouy]", base):
            is_doubled = len(base) > 3 and base[-1] == base[-2] and base[-1] not in "aeiousl"
            return base[:-1] if is_doubled else base
    return word


def _without_e(word: str) -> str:
    return word[:-1] if word.endswith("e") and len(word) > 2 else word


def _parts(word: str) -> list[str]:
    result: list[str] = []
    at = 0
    for run in _UNSPACED.finditer(word):
        if run.start() > at:
            result.append(stem(word[at : run.start()]))
        result += pairs(run.group())
        at = run.end()
    if at < len(word):
        result.append(stem(word[at:]))
    return result


def pairs(run: str) -> list[str]:
    """Overlapping pairs of characters; a single character stands for itself."""
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]
