"""Moments in which roles are asked, in the room of `KeyDoorWorld`."""

import numpy as np

from embodied_mem.agent.perceived import record_of
from embodied_mem.records import Experience, Outcome, Recalled, SkillCall, Status, Task
from embodied_mem.records.decisions import CallRecord, Context, Trigger
from embodied_mem.records.skills import Observation, Parameter, Skill, SkillResult, SkillStatus

TASK = Task("get to the chest", kind="KeyDoor-v0", instance="KeyDoor-v0#1")
IMAGE = np.random.default_rng(1).integers(0, 256, (4, 6, 3), dtype=np.uint8)
FACTS = {"visible": ["red door; is; locked"], "held": "blue key"}
HERE = Observation(text="You hold nothing. The red door is locked.", facts=FACTS, images={"front": IMAGE})
TAKE, OPEN = SkillCall("take", {"object": "red key"}), SkillCall("open", {"object": "red door"})
SKILLS = (
    Skill(name="open", parameters=(Parameter(name="object", choices=("red door",)),)),
    Skill(name="take", parameters=(Parameter(name="object", choices=("red key", "blue key")),)),
)
NO_KEY = SkillResult(
    status=SkillStatus.FAILURE, reason="the red door is locked", obstacle="locked", subjects=("red door",)
)


def context_of(*, history=(), trigger=Trigger.START, hits=(), seen=HERE, **changes):
    """A moment; `hits` is what memory recalls, whatever it is asked for."""
    values = {
        "trigger": trigger,
        "task": TASK,
        "observation": seen,
        "skills": SKILLS,
        "episode": "run/0",
        "recall": lambda query: list(hits)[: query.k],
        "rng": np.random.default_rng(0),
        "history": tuple(history),
    }
    return Context(**{**values, **changes})


def called(call=OPEN, result=NO_KEY, *, before=HERE, after=HERE):
    """A call that was made."""
    return CallRecord(
        call=call,
        result=result,
        first_step=0,
        last_step=1,
        decision=0,
        before=record_of(before),
        after=record_of(after),
    )


def after_failure(**changes):
    """The moment after the door did not open."""
    return context_of(history=[called()], trigger=Trigger.FAILURE, **changes)


def hit(call, status=Status.SUCCESS, *, name="e1", state=HERE.text, kind="decision", why=""):
    """A recalled experience of one call."""
    experience = Experience(
        id=name,
        kind=kind,
        task=TASK,
        state=state,
        plan=() if call is None else (call,),
        outcome=Outcome(status=status, explanation=why),
    )
    return Recalled(experience=experience, score=1.0, parts={"state": 1.0}, reason="")
