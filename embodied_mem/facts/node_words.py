"""`NodeWords`: the nodes whose names a text mentions, with an absolute similarity."""

from collections import defaultdict
from math import log

from embodied_mem.text.function_words import function_words
from embodied_mem.text.lexical import FUNCTION_WORD_WEIGHT
from embodied_mem.text.words import words


class NodeWords:
    """An index of the words of names, which grows and shrinks by single names."""

    def __init__(self) -> None:
        self._words: dict[str, tuple[str, ...]] = {}  # name -> its different words
        self._names: dict[str, dict[str, None]] = defaultdict(dict)  # word -> names with it

    def __len__(self) -> int:
        return len(self._words)

    def add(self, name: str) -> None:
        """Add a name; nothing happens if it is there."""
        if name not in self._words:
            self._words[name] = tuple(dict.fromkeys(words(name)))
            for word in self._words[name]:
                self._names[word][name] = None

    def remove(self, name: str) -> None:
        """Remove a name that is there."""
        for word in self._words.pop(name):
            del self._names[word][name]
            if not self._names[word]:
                del self._names[word]

    def mentioned(self, text: str, *, threshold: float) -> dict[str, float]:
        """Return the names that a text mentions, and how much of each.

        The similarity is the share of a name's words that the text has, each word weighted by its rarity
        ln(1 + n / df) among the names; function words count as in `embodied_mem.text.lexical`. It is not
        divided by the best one: it is 1 if the text has the whole name, and a text about something else
        finds nothing. Of equal shares the one with more words comes first.

        Args:
            text: Any text.
            threshold: Least similarity, above 0 and up to 1.
        """
        asked = [word for word in dict.fromkeys(words(text)) if word in self._names]
        weights = {word: self._weight(word) for word in asked}
        covered: dict[str, float] = defaultdict(float)
        for word in asked:
            for name in self._names[word]:
                covered[name] += weights[word]
        found = {}
        for name, weight in covered.items():
            share = weight / sum(weights.get(word) or self._weight(word) for word in self._words[name])
            if share >= threshold - 1e-9:
                found[name] = min(share, 1.0)
        return dict(sorted(found.items(), key=lambda pair: (-pair[1], -len(self._words[pair[0]]), pair[0])))

    def _weight(self, word: str) -> float:
        rarity = log(1 + len(self._words) / len(self._names[word]))
        return rarity * (FUNCTION_WORD_WEIGHT if word in function_words() else 1.0)
