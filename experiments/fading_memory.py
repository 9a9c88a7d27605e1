"""`FadingMemory`: a stored memory that forgets by a policy after every episode."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from embodied_mem import registry
from embodied_mem.errors import ExperimentError
from embodied_mem.records import Experience, Kind, Receipt
from embodied_mem.store.stored_memory import StoredMemory

if TYPE_CHECKING:
    from embodied_mem.store import MemoryStore


class FadingMemory(StoredMemory):
    """Archives what a forgetting policy retains too little, each time an episode was recorded.

    SAGE (arXiv 2409.00872, section 3.3) lets memories fade along the Ebbinghaus curve between tasks. Archived
    experiences stay in the log and are not recalled.

    Args:
        store: The store.
        forgetting: `policy`, a registered name; `policy_options`, its keyword arguments; and what
            `MemoryStore.forget` takes: `keep`, `below`, ...
        options: Keyword arguments of `StoredMemory`.

    Raises:
        ExperimentError: No policy is named.
        UnknownName: No policy has this name.
    """

    def __init__(self, store: "MemoryStore", *, forgetting: Mapping[str, Any], **options: Any) -> None:
        super().__init__(store, **options)
        if "policy" not in forgetting:
            raise ExperimentError(f"forgetting is {dict(forgetting)}; expected a policy, such as ebbinghaus")
        self._own_store, self._forgetting = store, dict(forgetting)
        name, options = self._forgetting.pop("policy"), self._forgetting.pop("policy_options", {})
        self._make_policy = partial(registry.load("forgetting", name), **options)

    def record(self, experience: Experience) -> Receipt:
        """Store an experience; after one of a whole episode, forget."""
        receipt = super().record(experience)
        self._forget([experience])
        return receipt

    def record_all(
        self, experiences: Sequence[Experience], /, *, replacing: Sequence[str] = ()
    ) -> list[Receipt]:
        """Store experiences in one transaction; after one of a whole episode, forget."""
        receipts = super().record_all(experiences, replacing=replacing)
        self._forget(experiences)
        return receipts

    def _forget(self, experiences: Sequence[Experience]) -> None:
        if any(experience.kind == Kind.EPISODE for experience in experiences):
            self._own_store.forget(self._make_policy(), **self._forgetting)
