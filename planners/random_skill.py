"""The floor of every comparison: random legal skills."""

from embodied_mem.planners.legal_calls import random_call
from embodied_mem.records.decisions import Act, Context, Decision, Stop
from embodied_mem.records.json_values import JsonObject


class RandomSkillPlanner:
    """Calls a random legal skill each time it is asked; reads neither the task nor memory."""

    def decide(self, context: Context) -> Decision:
        """Return a random legal call; `Stop` if no call is possible."""
        call = random_call(context.skills, context.rng)
        return Act(plan=(call,), reason="a random legal skill") if call else Stop("nothing can be called")

    def describe(self) -> JsonObject:
        """Name and settings."""
        return {"name": "random_skill"}
