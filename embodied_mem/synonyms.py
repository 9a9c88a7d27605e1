"""Editable synonyms: groups of words and short phrases that mean the same to an embodied agent."""

from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path

from embodied_mem.errors import InvalidRecord
from embodied_mem.words import words

MAX_PHRASE_WORDS = 4


class Synonyms:
    """Maps every word or phrase of a group to the group's first one.

    Args:
        groups: Each a sequence of words or phrases of at most four words that mean the same.

    Raises:
        InvalidRecord: A phrase is empty or too long, or stands in two groups.
    """

    def __init__(self, groups: Iterable[Sequence[str]] = ()) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        heads: dict[tuple[str, ...], str] = {}
        for group in groups:
            if isinstance(group, str) or not group:
                raise InvalidRecord(f"synonym group {group!r}; expected a list of words or phrases")
            head = "_".join(_phrase(group[0]))
            for phrase in map(_phrase, group):
                if heads.setdefault(phrase, head) != head:
                    raise InvalidRecord(
                        f"synonym {' '.join(phrase)!r} is in two groups: {heads[phrase]!r} and {head!r}"
                    )
        for phrase, head in heads.items():
            self._by_first.setdefault(phrase[0], []).append((phrase, head))
        for entries in self._by_first.values():
            entries.sort(key=lambda entry: (-len(entry[0]), entry))  # the longest phrase wins
        self._heads = {phrase[0]: head for phrase, head in heads.items() if len(phrase) == 1}
        self._starts = frozenset(phrase[0] for phrase in heads if len(phrase) > 1)
        self.digest = blake2b(repr(sorted(heads.items())).encode(), digest_size=6).hexdigest()

    @classmethod
    def load(cls, path: Path | str) -> "Synonyms":
        """Synonyms of a text file: one group a line, members separated by commas, `#` begins a comment."""
        return cls(parse(Path(path).read_text(encoding="utf-8")))

    def apply(self, tokens: Sequence[str]) -> list[str]:
        """The tokens with every known word or phrase replaced by its group, longest first."""
        head_of = self._heads.get
        if self._starts.isdisjoint(tokens):
            return [head_of(token, token) for token in tokens]
        result: list[str] = []
        at, n = 0, len(tokens)
        while at < n:
            token = tokens[at]
            head, length = self._match(tokens, at) if token in self._starts else (head_of(token, token), 1)
            result.append(head)
            at += length
        return result

    def _match(self, tokens: Sequence[str], at: int) -> tuple[str, int]:
        for phrase, head in self._by_first[tokens[at]]:
            if len(phrase) == 1 or tuple(tokens[at : at + len(phrase)]) == phrase:
                return head, len(phrase)
        return tokens[at], 1


def parse(text: str) -> list[list[str]]:
    """The groups of a synonym file."""
    groups = ([part.strip() for part in line.split(",") if part.strip()] for line in parse_lines(text))
    return [group for group in groups if group]


def parse_lines(text: str) -> list[str]:
    """The lines of a word file without comments and blank lines."""
    lines = (line.split("#", 1)[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


@cache
def default_synonyms() -> Synonyms:
    """The synonyms that come with the library (`embodied_mem/data/synonyms.txt`)."""
    return Synonyms(parse((files("embodied_mem") / "data" / "synonyms.txt").read_text(encoding="utf-8")))


def _phrase(text: str) -> tuple[str, ...]:
    phrase = tuple(words(text))
    if not 1 <= len(phrase) <= MAX_PHRASE_WORDS:
        raise InvalidRecord(f"synonym {text!r} has {len(phrase)} words; expected 1 to {MAX_PHRASE_WORDS}")
    return phrase


NO_SYNONYMS = Synonyms()
