"""Everything that is derived from one log: read further before a recall, and asked as of any point."""

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

MAX_PASTS = 4  # of views that depend on what is hidden: the last so many are kept


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What the log says of its experiences as of one moment.

    Attributes:
        spans: The parts of the log that are visible.
        archived: (n,) ascending sequence numbers of the experiences that are archived.
        trust: The trust in each experience that has votes; see `embodied_mem.memory.scoring.trust_of`.
    """

    spans: tuple[Span, ...]
    archived: Sequences
    trust: Values


class LogViews:
    """The views of a log. Withdrawals, votes and the archive are always read; the rest once it is asked for.

    Reading those three looks at entries of their own kinds alone, so a store with many experiences and little
    feedback is ready at once.

    Args:
        backend: The log; read further at each `catch_up`.
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
        """Take in the feedback, withdrawals and archiving written since, by this process or another.

        Args:
            head: Where the log stands, if that was just read.
        """
        if head is None:
            head = self._log.head()
        if head != self._head:
            self._head = None  # an interrupt may come while the views are half caught up
            self._standings = {}
            self._follower.catch_up(head)
            self._head = head

    def standing(self, as_of: int | None) -> Standing:
        """What is visible, archived and trusted as of a sequence number; None sees the whole log."""
        if as_of not in self._standings:
            spans = self.visible(as_of)
            standing = Standing(spans, self.archived(spans), self.vote_counts(spans).trust)
            _keep(self._standings, as_of, standing)
        return self._standings[as_of]

    @property
    def generation(self) -> int:
        """Changes when catching up found the log rewritten, as by a purge."""
        return self._follower.generation

    def visible(self, as_of: int | None) -> tuple[Span, ...]:
        """The parts of the log that are seen as of a sequence number; None sees all of it."""
        return self._withdrawals.visible(as_of)

    def vote_counts(self, spans: tuple[Span, ...]) -> VoteCounts:
        """Votes on each experience that has any in these spans."""
        return self._votes.counts(spans)

    def archived(self, spans: tuple[Span, ...]) -> Sequences:
        """(n,) ascending sequence numbers of the experiences that are archived in these spans."""
        return self._archive.archived(spans)

    def times_s(self) -> Values:
        """When each experience happened, in seconds since the Unix epoch; NaN where it does not say."""
        self._follow_attributes.catch_up()
        return self._attributes.times_s()

    def outcomes(self) -> Values:
        """How well each experience ended, in [0, 1]."""
        self._follow_attributes.catch_up()
        return self._attributes.outcomes()

    def uses(self, spans: tuple[Span, ...]) -> Values:
        """How often each experience that was used is listed as recalled by a later one in these spans."""
        self._follow_uses.catch_up()
        return self._uses.counts(spans)

    def utility(self, spans: tuple[Span, ...]) -> Values:
        """The utility in [0, 1) of each experience with uses or votes in these spans."""
        uses, votes = self.uses(spans), self.vote_counts(spans)
        if self._utility is None or self._utility[0] is not uses or self._utility[1] is not votes:
            self._utility = (uses, votes, utility(uses, votes))
        return self._utility[2]

    def surprise(self, spans: tuple[Span, ...]) -> Values:
        """How surprising the outcome of each visible experience was, in [0, 1)."""
        hidden = gaps_between(spans)
        if hidden not in self._surprises:
            view = Surprise(hidden)
            _keep(self._surprises, hidden, (view, Follower(self._log, (view,))))
        surprise, follower = self._surprises[hidden]
        follower.catch_up()
        return surprise.values()

    def duplicates(self, spans: tuple[Span, ...]) -> tuple[Sequences, Sequences]:
        """(n,) ascending sequence numbers of the experiences in these spans, and of who represents each."""
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
    """The first of each group, how many it stands for, and the others.

    Args:
        sequences: (n,) ascending.
        leaders: (n,) equal for those of one group.

    Returns:
        (m,) first of each group; (m,) sizes of the groups, in the same order; (n - m,) all others ascending.
    """
    _, first, counts = np.unique(leaders, return_index=True, return_counts=True)
    others = np.ones(len(sequences), np.bool_)
    others[first] = False
    return sequences[first], counts, sequences[others]


def _keep(pasts: dict[Key, Past], key: Key, past: Past) -> None:
    while len(pasts) >= MAX_PASTS:
        del pasts[next(iter(pasts))]
    pasts[key] = past
