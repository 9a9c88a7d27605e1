"""A planner of one's own: what lit the room before, else a switch that was not tried yet."""

from embodied_mem.records import SkillCall
from embodied_mem.records.decisions import Act, Context, Decision, Stop
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.queries import Query


class SwitchPlanner:
    """Asks memory for the task and repeats the last call of a plan that succeeded."""

    def decide(self, context: Context) -> Decision:
        """The remembered call first, then any call that was not made in this episode."""
        tried = {str(record.call) for record in context.history}
        for hit in context.recall(Query(task=context.task, k=3, min_score=0.5)):
            plan = hit.experience.plan[-1:]
            if hit.experience.outcome.is_success and plan and str(plan[0]) not in tried:
                return Act(
                    plan=plan,
                    shown=(hit.experience.id,),
                    acted_on=(hit.experience.id,),
                    reason="worked before",
                )
        skill = context.skills[0]
        name = skill.parameters[0].name
        calls = [SkillCall(skill.name, {name: choice}) for choice in skill.parameters[0].choices]
        left = [call for call in calls if str(call) not in tried]
        if not left:
            return Stop("every switch was tried")
        return Act(plan=(left[context.rng.integers(len(left))],), reason="not tried yet")

    def describe(self) -> JsonObject:
        """Its name."""
        return {"name": "lab_switches"}
