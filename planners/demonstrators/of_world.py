"""`WorldDemonstrator`: plays the calls that the world itself knows to win, so that they become examples."""

from collections.abc import Sequence

from embodied_mem.records import SkillCall
from embodied_mem.records.decisions import Act, Context, Decision, Stop
from embodied_mem.records.json_values import JsonObject


class WorldDemonstrator:
    """A teacher that follows the world's own demonstration, one call at a time.

    It was given what other planners have to learn, so it is never an arm that competes: an agent with
    `record_decisions=True` records its play as worked examples. It plays worlds that are a
    `HasDemonstration`, such as text games with a walkthrough.
    """

    def __init__(self) -> None:
        self._calls: tuple[SkillCall, ...] = ()

    def for_episode(self) -> "WorldDemonstrator":
        """A planner for one more episode."""
        return WorldDemonstrator()

    def describe(self) -> JsonObject:
        """Its name."""
        return {"name": "world_demonstrator"}

    def follow(self, calls: Sequence[SkillCall]) -> None:
        """Play these calls in the episode that just began."""
        self._calls = tuple(calls)

    def decide(self, context: Context) -> Decision:
        """Return the next call of the demonstration; stop after the last, or where one failed."""
        at = len(context.history)
        if context.last is not None and not context.last.result.is_success:
            return Stop(f"call {at} of the demonstration failed: {context.last.result.reason}")
        if at >= len(self._calls):
            return Stop("the demonstration is over")
        return Act(plan=(self._calls[at],), reason="demonstration")
