"""Synonym groups of words and short phrases, editable as a text file."""

from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path

from embodied_mem.errors import InvalidRecord
from embodied_mem.text.words import words

MAX_PHRASE_WORDS = 4


class Synonyms:
    """Maps every word or phrase of a group to the group's first member, its head.

    Args:
        groups: Sequences of synonymous words or phrases, each of at most four words.

    Attributes:
        beginnings: For each phrase, the heads of its first two words.
        digest: Hash of the groups.

    Raises:
        InvalidRecord: A phrase is empty or too long, or is in two groups.
    """

    def __init__(self, groups: Iterable[Sequence[str]] = ()) -> None:
        heads: dict[tuple[str, ...], str] = {}
        for group in groups:
            if isinstance(group, str) or not group:
                raise InvalidRecord(f"synonym group is {group!r}; expected a list of words or phrases")
            head = "_".join(_phrase(group[0]))
            for phrase in map(_phrase, group):
                if heads.setdefault(phrase, head) != head:
                    raise InvalidRecord(
                        f"synonym {' '.join(phrase)!r} is in two groups: {heads[phrase]!r} and {head!r}"
                    )
        self._phrases = {phrase: head for phrase, head in heads.items() if len(phrase) > 1}
        self._heads = {phrase[0]: head for phrase, head in heads.items() if len(phrase) == 1}
        self._starts = frozenset(phrase[0] for phrase in self._phrases)
        self._beginnings = frozenset(phrase[:2] for phrase in self._phrases)
        self.beginnings = {(self.head(first), self.head(second)) for first, second, *_ in self._phrases}
        self.digest = blake2b(repr(sorted(heads.items())).encode(), digest_size=6).hexdigest()

    def head(self, word: str) -> str:
        """Return the head of a single word's group; the word itself if it has no synonym."""
        return self._heads.get(word, word)

    @classmethod
    def load(cls, path: Path | str) -> "Synonyms":
        """Load a text file: one group a line, members separated by commas, `#` starts a comment."""
        return cls(parse(Path(path).read_text(encoding="utf-8")))

    def apply(self, tokens: Sequence[str]) -> list[str]:
        """Return the tokens with each known word or phrase replaced by its head, longest phrases first."""
        head_of, starts = self._heads.get, self._starts
        heads = list(map(head_of, tokens, tokens))
        if starts.isdisjoint(tokens):
            return heads
        result: list[str] = []
        done = 0
        for at in [at for at, token in enumerate(tokens) if token in starts]:
            if at >= done and (length := self._phrase_length(tokens, at)):
                result += heads[done:at]
                result.append(self._phrases[tuple(tokens[at : at + length])])
                done = at + length
        return result + heads[done:]

    def _phrase_length(self, tokens: Sequence[str], at: int) -> int:
        """Return the number of words of the longest phrase that starts at `at`; 0 if there is none."""
        if (tokens[at], *tokens[at + 1 : at + 2]) in self._beginnings:
            for length in range(MAX_PHRASE_WORDS, 1, -1):
                if tuple(tokens[at : at + length]) in self._phrases:
                    return length
        return 0


def parse(text: str) -> list[list[str]]:
    """Return the groups in the text of a synonym file."""
    groups = ([part.strip() for part in line.split(",") if part.strip()] for line in parse_lines(text))
    return [group for group in groups if group]


def parse_lines(text: str) -> list[str]:
    """Return the lines of a word file without comments and blank lines."""
    lines = (line.split("#", 1)[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


@cache
def default_synonyms() -> Synonyms:
    """Return the built-in synonyms (`embodied_mem/data/synonyms.txt`)."""
    return Synonyms(parse((files("embodied_mem") / "data" / "synonyms.txt").read_text(encoding="utf-8")))


def _phrase(text: str) -> tuple[str, ...]:
    phrase = tuple(words(text))
    if not 1 <= len(phrase) <= MAX_PHRASE_WORDS:
        raise InvalidRecord(f"synonym {text!r} has {len(phrase)} words; expected 1 to {MAX_PHRASE_WORDS}")
    return phrase


NO_SYNONYMS = Synonyms()
