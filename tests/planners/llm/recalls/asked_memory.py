"""Experiences in a few words, and a decision whose recalls are kept."""

import numpy as np

from embodied_mem.records import Experience, Outcome, SkillCall, Status, Task
from embodied_mem.records.decisions import CallRecord, Context, Trigger
from embodied_mem.records.filters import where
from embodied_mem.records.queries import Query
from embodied_mem.records.skills import Observation, SkillResult, SkillStatus


def experience(name, state, *, kind="decision", task="open the door", of="house", call="go_to(hall)", **more):
    skill, _, argument = call.partition("(")
    return Experience(
        id=name,
        kind=kind,
        task=Task(task, kind=of),
        state=state,
        plan=(SkillCall(skill, {"object": argument.rstrip(")")}),) if call else (),
        outcome=Outcome(status=Status.SUCCESS),
        **more,
    )


def record(memory, *experiences):
    for each in experiences:
        memory.record(each)


class Asked:
    """A decision whose recalls are kept."""

    def __init__(self, memory, state, *, last="", of="house", task="open the door"):
        self.queries = []
        history = [call_record(last)] if last else []

        def recall(query):
            self.queries.append(query)
            return memory.recall(query)

        self.context = Context(
            trigger=Trigger.START,
            task=Task(task, kind=of),
            observation=Observation(text=state),
            skills=(),
            recall=recall,
            rng=np.random.default_rng(0),
            history=history,
        )
        self.query = Query(task=self.context.task, state=state, where=where(kind="decision"), k=2)


def call_record(status):
    return CallRecord(
        call=SkillCall("open", {"object": "door"}),
        result=SkillResult(status=SkillStatus(status)),
        first_step=0,
        last_step=1,
        decision=0,
    )
