"""All views of one log: updated before a recall, and readable as of any sequence number."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from embodied_mem.contracts import Backend
from embodied_mem.memory.views.archived import Archive
from embodied_mem.memory.views.attributes import Attributes
from embodied_mem.memory.views.duplicates import Duplicates
from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.memory.views.surprise import Surprise
from embodied_mem.memory.views.uses import Uses, utility
from embodied_mem.memory.views.view import Follower, Gaps, Sequences, Values, are_in, gaps_between
from embodied_mem.memory.views.votes import VoteCounts, VoteView
from embodied_mem.memory.views.withdrawals import Withdrawals
from embodied_mem.records.log import Head, Span

Key = TypeVar("Key")
Past = TypeVar("Past")

MAX_PASTS = 4  # cached views by hidden part or by as_of


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Visible spans, archive and trust as of one sequence number.

    Attributes:
        spans: The visible parts of the log.
        archived: (n,) ascending sequence numbers of the archived experiences.
        trust: Trust of each experience that has votes; see `embodied_mem.memory.scoring.trust_of`.
    """

    spans: tuple[Span, ...]
    archived: Sequences
    trust: Values


class LogViews:
    """The views of a log. Withdrawals, votes and the archive are always updated; the rest on first use.

    Those three read only entries of their own kinds, so a store with many experiences and little feedback is
    ready at once.

    Args:
        backend: The log; new entries are read at each `catch_up`.
    """

    def __init__(self, backend: Backend) -> None:
        self._log = LogValues(backend)
        self._withdrawals = Withdrawals()
        self._votes = VoteView(self._log)
        self._archive = Archive(self._log)
        self._follower = Follower(self._log, (self._withdrawals, self._votes, self._archive))
        self._attributes = Attributes()
        self._follow_attributes = Follower(self._log, (self._attributes,))
        self._uses = Uses(self._log)
        self._follow_uses = Follower(self._log, (self._uses,))
        self._head: Head | None = None
        self._standings: dict[int | None, Standing] = {}
        self._utility: tuple[Values, VoteCounts, Values] | None = None
        self._surprises: dict[Gaps, tuple[Surprise, Follower]] = {}
        self._duplicates: dict[Gaps, tuple[Duplicates, Follower]] = {}

    def catch_up(self, head: Head | None = None) -> None:
        """Read the feedback, withdrawals and archive entries written since, by any process.

        Args:
            head: Head of the log, if it was just read.
        """
        if head is None:
            head = self._log.head()
        if head != self._head:
            self._head = None  # an interrupt may leave the views half updated
            self._standings = {}
            self._follower.catch_up(head)
            self._head = head

    def standing(self, as_of: int | None) -> Standing:
        """Return spans, archive and trust as of a sequence number; None: the whole log."""
        if as_of not in self._standings:
            spans = self.visible(as_of)
            standing = Standing(spans, self.archived(spans), self.vote_counts(spans).trust)
            _keep(self._standings, as_of, standing)
        return self._standings[as_of]

    @property
    def generation(self) -> int:
        """The log's generation at the last update; a rewrite such as a purge changes it."""
        return self._follower.generation

    def visible(self, as_of: int | None) -> tuple[Span, ...]:
        """Return the visible parts of the log as of a sequence number; None: the whole log."""
        return self._withdrawals.visible(as_of)

    def vote_counts(self, spans: tuple[Span, ...]) -> VoteCounts:
        """Return the votes of each experience that has any in these spans."""
        return self._votes.counts(spans)

    def archived(self, spans: tuple[Span, ...]) -> Sequences:
        """Return (n,) ascending sequence numbers of the experiences archived in these spans."""
        return self._archive.archived(spans)

    def times_s(self) -> Values:
        """Return the time of each experience in seconds since the Unix epoch; NaN if unknown."""
        self._follow_attributes.catch_up()
        return self._attributes.times_s()

    def outcomes(self) -> Values:
        """Return the outcome value of each experience, in [0, 1]."""
        self._follow_attributes.catch_up()
        return self._attributes.outcomes()

    def uses(self, spans: tuple[Span, ...]) -> Values:
        """Return how many later experiences in these spans list each used experience as recalled."""
        self._follow_uses.catch_up()
        return self._uses.counts(spans)

    def utility(self, spans: tuple[Span, ...]) -> Values:
        """Return the utility in [0, 1) of each experience with uses or votes in these spans."""
        uses, votes = self.uses(spans), self.vote_counts(spans)
        if self._utility is None or self._utility[0] is not uses or self._utility[1] is not votes:
            self._utility = (uses, votes, utility(uses, votes))
        return self._utility[2]

    def surprise(self, spans: tuple[Span, ...]) -> Values:
        """Return the surprise of each visible experience's outcome, in [0, 1)."""
        hidden = gaps_between(spans)
        if hidden not in self._surprises:
            view = Surprise(hidden)
            _keep(self._surprises, hidden, (view, Follower(self._log, (view,))))
        surprise, follower = self._surprises[hidden]
        follower.catch_up()
        return surprise.values()

    def duplicates(self, spans: tuple[Span, ...]) -> tuple[Sequences, Sequences]:
        """Return (n,) ascending sequence numbers of experiences in the spans, and their representatives."""
        hidden = gaps_between(spans)
        if hidden not in self._duplicates:
            view = Duplicates(hidden)
            _keep(self._duplicates, hidden, (view, Follower(self._log, (view,))))
        duplicates, follower = self._duplicates[hidden]
        follower.catch_up()
        sequences, leaders = duplicates.leaders()
        seen = are_in(sequences, spans)
        return sequences[seen], leaders[seen]


def representatives(sequences: Sequences, leaders: Sequences) -> tuple[Sequences, Sequences, Sequences]:
    """Return the first member of each group, the group sizes, and all other members.

    Args:
        sequences: (n,) ascending sequence numbers.
        leaders: (n,) group of each.

    Returns:
        (m,) first of each group; (m,) group sizes, in the same order; (n - m,) all others ascending.
    """
    _, first, counts = np.unique(leaders, return_index=True, return_counts=True)
    others = np.ones(len(sequences), np.bool_)
    others[first] = False
    return sequences[first], counts, sequences[others]


def _keep(pasts: dict[Key, Past], key: Key, past: Past) -> None:
    while len(pasts) >= MAX_PASTS:
        del pasts[next(iter(pasts))]
    pasts[key] = past
