"""Experiences and queries for tests of memories."""

import math
from typing import Any

from embodied_mem.contracts import Memory
from embodied_mem.records.answers import answers_of
from embodied_mem.records.experience import Experience, Outcome, Recalled, Scope, SkillCall, Status, Task
from embodied_mem.records.queries import Query

ANY_SCORE = -math.inf
OPTIONAL = ("text", "task", "state", "contrast")  # what most tests may as well not ask


def example_experience(number: int = 0, **changes: Any) -> Experience:
    """The n-th of a series of distinct experiences; `changes` replace fields."""
    values: dict[str, Any] = {
        "id": f"experience-{number}",
        "task": Task(
            f"bring tool {number} to the bench", kind=f"Bring-v{number % 3}", instance=f"Bring#{number}"
        ),
        "state": f"tool {number} lies in drawer {number + 7}",
        "plan": (SkillCall("open", {"drawer": number + 7}), SkillCall("pick_up", {"tool": number}, count=2)),
        "outcome": Outcome(
            status=Status.SUCCESS if number % 2 else Status.FAILURE,
            reward=number / 8,
            explanation=f"drawer {number + 7} was stuck",
            steps=number,
        ),
        "scope": Scope(agent="a", world="workshop", place=f"room {number % 4}"),
        "metadata": {
            "floor": number % 5,
            "is_noisy": number % 2 == 0,
            "tags": ["x", number],
            "at_m": [float(number), 1.0],
            "v1.2": number % 3,
        },
        "happened_at_s": 1_000.0 + number,
    }
    return Experience(**{**values, **changes})


def ask(memory: Memory, **fields: Any) -> list[Recalled]:
    """Recall without a minimum score, by those of the texts (and `contrast`) that the memory answers."""
    answers = answers_of(memory)
    asked = {name: value for name, value in fields.items() if name in answers or name not in OPTIONAL}
    return memory.recall(Query(**{"min_score": ANY_SCORE, **asked}))


def record_many(memory: Memory, n: int) -> list[Experience]:
    """Record the first n of the example experiences; return them."""
    experiences = [example_experience(number) for number in range(n)]
    for experience in experiences:
        memory.record(experience)
    return experiences
