"""`Notes`: what else a prompt says of a situation, such as known facts; a part of the language planner."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from embodied_mem.records.decisions import Context
from embodied_mem.records.json_values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What is noted for one decision.

    Attributes:
        texts: Input of a template -> text; quoted as data where it is shown. They come before facts of the
            world of the same name.
        shown: Ids of the experiences whose content is in the texts.
        cost: Named costs ("tokens", "usd", "seconds"), each finite and >= 0.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    shown: tuple[str, ...] = ()
    cost: Mapping[str, float] = field(default_factory=dict)


@runtime_checkable
class Notes(Protocol):
    """Adds inputs to the prompt of each decision; several episodes may share one."""

    async def noted(self, context: Context) -> Noted:
        """Return what to add for this decision."""
        ...

    def describe(self) -> JsonObject:
        """Name and settings."""
        ...
