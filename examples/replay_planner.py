"""A planner that replays what worked before, and otherwise tries what it has not tried yet.

At the start it asks memory for a won episode that looked similar and plays its calls again, as far as they
can be made here. When one fails, and when nothing is known, it draws legal calls, those not tried yet first.
Copy this file and change `_recalled` and `_next`.
"""

from collections.abc import Sequence

from embodied_mem.errors import EmbodiedMemError
from embodied_mem.records import SkillCall, Status
from embodied_mem.records.decisions import Act, Context, Decision, Stop, Trigger
from embodied_mem.records.filters import where
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.legal_calls import legal_calls
from embodied_mem.records.queries import Query
from embodied_mem.records.skills import Skill, check_call


class ReplayPlanner:
    """Replays the best won episode that memory returns; a `Planner` with the state of one episode.

    Args:
        k: Number of episodes to recall.
        limit: Largest number of legal calls to choose from.
    """

    def __init__(self, *, k: int = 3, limit: int = 1_000) -> None:
        self.k, self.limit = k, limit
        self._begin()

    def _begin(self) -> None:
        self._plan: list[SkillCall] = []
        self._shown: tuple[str, ...] = ()
        self._source: tuple[str, ...] = ()
        self._tried: set[SkillCall] = set()

    def for_episode(self) -> "ReplayPlanner":
        """A planner of one episode, so that one agent can play several at once."""
        return ReplayPlanner(k=self.k, limit=self.limit)

    def describe(self) -> JsonObject:
        """Name and settings; stored with each episode."""
        return {"name": "replay", "k": self.k, "limit": self.limit}

    def decide(self, context: Context) -> Decision:
        """The next call of the replayed episode, else one not tried yet."""
        if context.trigger is Trigger.START:
            self._begin()
            self._recalled(context)
        elif context.trigger is Trigger.FAILURE:
            self._plan = []  # the replay does not fit here
        return self._next(context)

    def _recalled(self, context: Context) -> None:
        won = where(kind="episode", outcome=Status.SUCCESS.value)
        hits = context.recall(Query(task=context.task, state=context.observation.text, where=won, k=self.k))
        self._shown = tuple(hit.experience.id for hit in hits)
        if hits:
            self._plan, self._source = list(hits[0].experience.plan), self._shown[:1]

    def _next(self, context: Context) -> Decision:
        if self._plan:
            call = self._plan.pop(0)
            if can_be_made(call, context.skills):
                return Act(plan=(call,), shown=self._shown, acted_on=self._source, reason="replay")
            self._plan = []
        calls = legal_calls(context.skills, limit=self.limit)
        if not calls:
            return Stop("nothing can be called")
        fresh = [call for call in calls if call not in self._tried] or calls
        call = fresh[int(context.rng.integers(len(fresh)))]
        self._tried.add(call)
        return Act(plan=(call,), reason="not tried yet")


def can_be_made(call: SkillCall, skills: Sequence[Skill]) -> bool:
    """Whether a call of another episode is legal here."""
    try:
        check_call(call, skills)
    except EmbodiedMemError:
        return False
    return True
