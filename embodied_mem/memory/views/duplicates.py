"""Near duplicates, found while the log is read, with a bounded number of comparisons per experience.

Two experiences are near duplicates if kind, task words, plan and status are equal and the words of their
states have a Jaccard similarity of at least 0.9. The first of them represents the others. Signs such as emoji
are words here, punctuation is not.
"""

from array import array
from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import TypeAlias
from zlib import crc32

import numpy as np

from embodied_mem.memory.views.view import Gaps, Sequences, View, is_hidden
from embodied_mem.records.json_values import JsonValue, canonical
from embodied_mem.records.log import EntryKind
from embodied_mem.text.words import signs, words

MAX_COMPARED = 32  # representatives that an experience is compared with, which bounds its cost

Words: TypeAlias = frozenset[str]
Alike: TypeAlias = tuple[str, Words, str, str]  # must be equal: kind, task words, plan, status


class Duplicates(View):
    """The representative of each experience; it depends only on earlier experiences.

    A state is compared with at most `MAX_COMPARED` representatives that share a word of its prefix, as every
    near duplicate does (prefix filtering: Chaudhuri, Ganti and Kaushik, ICDE 2006). If more share it, a near
    duplicate may be missed; states with equal words never are.

    Args:
        hidden: Parts of the log to ignore, first and last sequence number of each.
    """

    kinds = (EntryKind.EXPERIENCE,)
    paths = ("kind", "task.text", "plan", "outcome.status", "state")

    def __init__(self, hidden: Gaps = ()) -> None:
        self._hidden = hidden
        self.clear()

    def add(self, sequence: int, kind: str, values: Mapping[str, JsonValue]) -> None:
        """Find the representative of an experience, or make it one."""
        if is_hidden(sequence, self._hidden):
            return
        plan = canonical(values["plan"])
        texts = (str(values["kind"]), str(values["task.text"]), str(values["outcome.status"]))
        alike = (texts[0], _words_of(texts[1]), plan, texts[2])
        state = _words_of(str(values["state"] or ""))
        self._sequences.append(sequence)
        self._leaders.append(self._leader(alike, state, sequence))

    def clear(self) -> None:
        """Remove all experiences."""
        self._sequences = array("q")
        self._leaders = array("q")
        self._exact: dict[tuple[Alike, Words], int] = {}
        self._states: dict[int, Words] = {}  # state words by representative
        self._holding: dict[tuple[Alike, str], list[int]] = {}  # word of a prefix -> representatives

    def leaders(self) -> tuple[Sequences, Sequences]:
        """Return (n,) ascending sequence numbers, and (n,) those of their representatives."""
        return np.array(self._sequences, np.int64), np.array(self._leaders, np.int64)

    def _leader(self, alike: Alike, state: Words, sequence: int) -> int:
        leader = self._exact.get((alike, state)) or self._near(alike, state)
        if leader is None:
            leader = sequence
            self._states[leader] = state
            for word in _prefix(state):
                self._holding.setdefault((alike, word), []).append(leader)
        self._exact.setdefault((alike, state), leader)
        return leader

    def _near(self, alike: Alike, state: Words) -> int | None:
        """Return the first candidate with a state similarity of at least 0.9, or None."""
        for leader in self._candidates(alike, state):
            other = self._states[leader]
            if 10 * len(state & other) >= 9 * len(state | other):
                return leader
        return None

    def _candidates(self, alike: Alike, state: Words) -> Iterable[int]:
        """Return up to `MAX_COMPARED` representatives that share a prefix word; least common word first."""
        lists = sorted((self._holding.get((alike, word), []) for word in _prefix(state)), key=len)
        return dict.fromkeys(islice(chain.from_iterable(lists), MAX_COMPARED))


def _words_of(text: str) -> Words:
    return frozenset((*words(text), *signs(text)))


def _prefix(state: Words) -> list[str]:
    """Return the first words in a global order, enough that any two near duplicates share one of them."""
    n_shared = (9 * len(state) + 9) // 10  # nine tenths, rounded up
    return sorted(state, key=_rank_of)[: len(state) - n_shared + 1]


def _rank_of(word: str) -> tuple[bool, int, str]:
    # Numbers first: in one simulator's texts they differ most, so fewer states share the prefix.
    return word.isalpha(), crc32(word.encode()), word
