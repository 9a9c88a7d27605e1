"""Words and symbols of texts, the same for stored texts and queries; words are lightly stemmed.

Case and accents are ignored, whether precomposed or combining: "Tür", "TUR" and "tur" are one word, as are
Turkish words with and without the dot of an i, and Arabic ones with and without vowel marks. Marks that make
another letter or syllable (Japanese, Indic and Thai ones) are kept. A symbol is any visible character that is
part of no word: emoji, arrows, signs and punctuation.
"""

import re
import unicodedata
from functools import lru_cache

from embodied_mem.text.languages import without_prefix

MAX_INDEXED_CHARS = 65_536  # per text, up to the end of a word; the rest is stored but not searched
LONGEST_WORD = 200  # characters; a longer run may be cut
MAX_KEPT_STEMS = 16_384
MAX_KEPT_SYMBOLS = 4_096
WORDS_VERSION = 3  # increment with every change to the terms of a text; a test detects it

# Scripts whose vowels are marks: Python's \w would end a word at each vowel.
_SYLLABLES = "\u0900-\u0963\u0966-\u0eff\u1000-\u1049\u1780-\u17d3"
_WORD = re.compile(f"(?:[^\\W_]|[{_SYLLABLES}])+")
_NO_WORD = re.compile(f"[^\\w\\s{_SYLLABLES}]|_")  # one character that is part of no word
# Simulators use names such as `CounterTop`. The capital comes first in the pattern to speed up the search.
_CAMEL = re.compile(r"[A-Z](?<=[a-z0-9][A-Z])")
# Scripts written without spaces, and Hangul, whose particles attach to nouns: character pairs serve as words.
_UNSPACED = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
    "\u0e00-\u0eff\u1000-\u1049\u1780-\u17d3]+"
)
# Accents of Latin, Greek and Cyrillic letters, vowel points of Hebrew and Arabic, and the Arabic tatweel.
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u0640\u064b-\u0652\u0670]+")
_DOTLESS = str.maketrans("\u0131\u0130", "iI")  # Turkish dotless i and dotted I, which case folding keeps
# Translation table for ASCII: letters to lower case, everything but letters and digits to spaces.
_ASCII = bytes(ord(chr(code).lower()) if chr(code).isalnum() and code < 128 else 32 for code in range(256))

# ASCII characters that are no symbols: letters, digits and everything invisible.
_ASCII_OTHERS = bytes(code for code in range(128) if chr(code).isalnum() or not "!" <= chr(code) <= "~")


def words(text: str, *, with_prefixes: bool = False) -> list[str]:
    """Return the stemmed words of a text in order; Chinese, Japanese, Korean and Thai become pairs.

    Args:
        text: Any text; of a long one the beginning.
        with_prefixes: Whether Arabic and Hebrew words keep their prefixes.
    """
    if len(text) > MAX_INDEXED_CHARS:
        text = beginning(text)
    if not text.isascii():
        text = without_accents(text)
    if text != text.lower():  # faster than `islower`, which loops over letters
        text = _CAMEL.sub(r" \g<0>", text)
    if text.isascii():
        found = text.encode("ascii").translate(_ASCII).decode("ascii").split()
        return list(map(_STEMS.__getitem__, found))
    found = [part for word in _WORD.findall(text.casefold()) for part in _parts(word)]
    return found if with_prefixes else list(map(without_prefix, found))


def beginning(text: str) -> str:
    """Return the part of a text above `MAX_INDEXED_CHARS` that is searched: it ends with a whole word."""
    for end in range(MAX_INDEXED_CHARS, MAX_INDEXED_CHARS - LONGEST_WORD, -1):
        if not (_is_inside(text[end - 1]) and _is_inside(text[end])):
            return text[:end]
    return text[:MAX_INDEXED_CHARS]


def _is_inside(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char)[0] == "M"


def without_accents(text: str) -> str:
    """Return the text in Unicode form NFKC without accents and Semitic vowel marks."""
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text.translate(_DOTLESS)))
    return unicodedata.normalize("NFKC", bare)


def stem(word: str) -> str:
    """Return the word without plural -s, -ing, -ed or final -e; non-ASCII words and numbers are unchanged."""
    return _STEMS[word] if word.isascii() else word


class _Stems(dict[str, str]):
    """Bounded cache of word to stem; skips numbers and ids, of which a store may have millions."""

    def __missing__(self, word: str) -> str:
        if not word.isalpha():
            return word
        if len(self) >= MAX_KEPT_STEMS:
            self.clear()
        self[word] = stemmed = _stem(word)
        return stemmed


_STEMS = _Stems()


def _stem(word: str) -> str:
    return word if len(word) < 3 else _without_e(_without_ending(_without_plural(word)))


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
    """Return overlapping pairs of characters; a single character is returned as is."""
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


def symbols(text: str) -> list[str]:
    """Return the distinct symbols of a text in order; full-width and other variants are equal."""
    if len(text) > MAX_INDEXED_CHARS:
        text = beginning(text)
    if text.isascii():
        return list(dict.fromkeys(text.encode("ascii").translate(None, _ASCII_OTHERS).decode("ascii")))
    found = dict.fromkeys(_NO_WORD.findall(text))
    return list(dict.fromkeys("".join(map(_symbols_of, found))))


def signs(text: str) -> list[str]:
    """Return the distinct symbols of a text without punctuation."""
    return [symbol for symbol in symbols(text) if unicodedata.category(symbol)[0] != "P"]


def is_symbol(term: str) -> bool:
    """Whether a term is a symbol: one visible character that is no letter, digit or mark."""
    return len(term) == 1 and not term.isalnum() and _is_visible(term)


@lru_cache(maxsize=MAX_KEPT_SYMBOLS)
def _symbols_of(char: str) -> str:
    """Return the symbols that a character stands for; none if it is invisible or stands for letters."""
    plain = unicodedata.normalize("NFKC", char)
    found = "".join(filter(is_symbol, plain))
    is_lost = not found and not any(map(str.isalnum, plain))  # a spacing accent, which becomes a space
    return char if is_lost and _is_visible(char) else found


def _is_visible(char: str) -> bool:
    category = unicodedata.category(char)  # S: symbol, P: punctuation, Me: enclosing, Co: of an icon font
    return category[0] in "SP" or category in ("Me", "Co")
