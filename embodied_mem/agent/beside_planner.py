"""`BesidePlanner`: a reflector that adds to what the planner itself learnt, in place of replacing it."""

from collections.abc import Awaitable

from embodied_mem.contracts import Reflector
from embodied_mem.records.episodes import Reflection, Trace, added_costs
from embodied_mem.records.experience import Outcome


class BesidePlanner:
    """Marks a reflector whose lessons are recorded beside those of the planner.

    Args:
        reflector: The reflector.
    """

    def __init__(self, reflector: Reflector) -> None:
        self.reflector = reflector

    def reflect(self, trace: Trace, outcome: Outcome) -> Reflection | Awaitable[Reflection]:
        """Return what the reflector learnt alone."""
        return self.reflector.reflect(trace, outcome)


def together(first: Reflection, second: Reflection) -> Reflection:
    """What two reflections hold together; of feedback on one experience the second's counts."""
    return Reflection(
        experiences=(*first.experiences, *second.experiences),
        feedback={**first.feedback, **second.feedback},
        cost=added_costs(first.cost, second.cost),
    )
