"""Near duplicates: experiences that say the same again, found while they are read, each compared with a few.

Two experiences are near duplicates if kind, words of the task, plan and status are the same and the words of
their states are at least nine tenths the same (Jaccard). The first of them represents the others.
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
from embodied_mem.text.words import words

MAX_COMPARED = 32  # representatives an experience is compared with, so that reading one stays equally fast

Words: TypeAlias = frozenset[str]
Alike: TypeAlias = tuple[str, Words, str, str]  # what must be equal: kind, words of the task, plan, status


class Duplicates(View):
    """Which experience represents which; depends on those written before it alone.

    A state is compared with representatives that share a word of its prefix, as every state that is alike
    enough does (prefix filtering: Chaudhuri, Ganti and Kaushik, ICDE 2006), and with `MAX_COMPARED` at most.
    Where more share it, one that is alike may be missed; states of the same words never are.

    Args:
        hidden: Parts of the log that do not count, first and last sequence number of each.
    """

    kinds = (EntryKind.EXPERIENCE,)
    paths = ("kind", "task.text", "plan", "outcome.status", "state")

    def __init__(self, hidden: Gaps = ()) -> None:
        self._hidden = hidden
        self.clear()

    def add(self, sequence: int, kind: str, values: Mapping[str, JsonValue]) -> None:
        """Find who represents an experience; itself if nobody does."""
        if is_hidden(sequence, self._hidden):
            return
        plan = canonical(values["plan"])
        texts = (str(values["kind"]), str(values["task.text"]), str(values["outcome.status"]))
        alike = (texts[0], frozenset(words(texts[1])), plan, texts[2])
        state = frozenset(words(str(values["state"] or "")))
        self._sequences.append(sequence)
        self._leaders.append(self._leader(alike, state, sequence))

    def clear(self) -> None:
        """Forget everything."""
        self._sequences = array("q")
        self._leaders = array("q")
        self._exact: dict[tuple[Alike, Words], int] = {}
        self._states: dict[int, Words] = {}  # of representatives
        self._holding: dict[tuple[Alike, str], list[int]] = {}  # word of a prefix -> representatives

    def leaders(self) -> tuple[Sequences, Sequences]:
        """(n,) sequence numbers ascending, and of who represents each, itself included."""
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
        """The first representative, of those looked at, whose state is alike enough."""
        for leader in self._candidates(alike, state):
            other = self._states[leader]
            if 10 * len(state & other) >= 9 * len(state | other):
                return leader
        return None

    def _candidates(self, alike: Alike, state: Words) -> Iterable[int]:
        """Some representatives that share a word of the prefix; those of the least common word first."""
        lists = sorted((self._holding.get((alike, word), []) for word in _prefix(state)), key=len)
        return dict.fromkeys(islice(chain.from_iterable(lists), MAX_COMPARED))


def _prefix(state: Words) -> list[str]:
    """Enough words, in an order that is the same for all states, for any two alike states to share one."""
    n_shared = (9 * len(state) + 9) // 10  # of nine tenths, rounded up
    return sorted(state, key=_rank_of)[: len(state) - n_shared + 1]


def _rank_of(word: str) -> tuple[bool, int, str]:
    # Numbers first: in texts of one simulator they differ most, so fewer states share the prefix.
    return word.isalpha(), crc32(word.encode()), word
