"""`RecentObservations`: a short-term memory of the last few distinct observations."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from embodied_mem.agent.perceived import MAX_FACT_CHARS, shortened
from embodied_mem.errors import InvalidRecord
from embodied_mem.recording import describe
from embodied_mem.records.experience import Task
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.scene import SceneView
from embodied_mem.records.skills import Observation

JsonMapping: TypeAlias = Mapping[str, JsonValue]


class RecentObservations:
    """Keeps the last `n` observations whose texts differ; a `ShortTermMemory`.

    Args:
        n: How many to keep, >= 1.

    Raises:
        InvalidRecord: `n` is not an integer of at least 1.
    """

    def __init__(self, n: int = 8) -> None:
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise InvalidRecord(f"n is {n!r}; expected an integer of at least 1")
        self.n = n
        self._seen: dict[str, tuple[int, JsonMapping]] = {}  # text -> its last step, its facts; newest last

    def begin(self, task: Task) -> None:
        """Forget the last episode."""
        self._seen.clear()

    def perceive(self, observation: Observation, *, step: int) -> None:
        """Take in an observation; one whose text is known becomes the newest."""
        self._seen.pop(observation.text, None)
        self._seen[observation.text] = step, dict(observation.facts)
        if len(self._seen) > self.n:
            del self._seen[next(iter(self._seen))]

    def view(self, budget_tokens: int | None = None, *, about: Sequence[str] = ()) -> SceneView:
        """Describe what was perceived, the newest first.

        Args:
            budget_tokens: Length limit of the text, at about four characters a token; None: no limit.
            about: References to objects; lines that name one are kept before others.

        Returns:
            A text in which each observation begins with its step; and the short facts of all observations
            together, where a newer one replaces an older one of the same name.
        """
        newest_first = reversed(self._seen.items())
        text = "\n".join(f"step {step}: {seen}" for seen, (step, _) in newest_first if seen)
        facts = {name: value for _, each in self._seen.values() for name, value in each.items()}
        return SceneView(
            text=shortened(text, budget_tokens, about=about),
            facts=describe.small_json(facts, entry_chars=MAX_FACT_CHARS),
        )
