"""`PolicyPlanner`: lets one policy of the agent act for the whole episode."""

from embodied_mem.records import SkillCall
from embodied_mem.records.decisions import Act, Context, Decision, Stop, Trigger
from embodied_mem.records.json_values import JsonObject


class PolicyPlanner:
    """Calls one skill again and again until it fails; a `Planner` for a policy as the controller.

    The policy is given to the agent: `Agent(planner=PolicyPlanner("walk"), policies=[PolicySkill(...)])`.

    Args:
        skill: Name of the skill, which takes no arguments.
        name: Name of the planner in the records; default: that of the skill.
    """

    def __init__(self, skill: str, *, name: str = "") -> None:
        self.skill, self.name = skill, name or skill

    def decide(self, context: Context) -> Decision:
        """Return the call; `Stop` once the policy gave up."""
        if context.trigger is Trigger.FAILURE and context.last is not None:
            return Stop(context.last.result.reason)
        return Act(plan=(SkillCall(self.skill),))

    def describe(self) -> JsonObject:
        """Name and settings."""
        return {"name": self.name, "skill": self.skill}
