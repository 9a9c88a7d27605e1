"""JARVIS-1 (arXiv 2311.05997): `memory.json`, plans by the name of the item that they obtain."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from embodied_mem.errors import InvalidRecord, StoreError
from embodied_mem.records.experience import Experience, Kind, Outcome, Scope, SkillCall, Task
from embodied_mem.store.transfer.foreign.entries import (
    Entry,
    converted,
    is_number,
    json_file,
    listed,
    mapping,
    status_of,
    text,
    time_of,
)


def read(path: Path) -> Iterator[Entry]:
    """Read `memory.json`: item -> time, status, image, init_inventory, plan; one or a list for each item."""
    content = json_file(path)
    if not isinstance(content, dict):
        raise StoreError(f"{path} holds {type(content).__name__}; expected an object with an entry an item")
    entries = (
        (f"{path.name}: {item}" + (f"[{number}]" if isinstance(found, list) else ""), (item, each))
        for item, found in content.items()
        for number, each in enumerate(found if isinstance(found, list) else [found])
    )
    return converted(entries, _experiences)


def _experiences(named: tuple[str, Any]) -> Iterator[Experience]:
    item, entry = named[0], mapping(named[1])
    inventory = mapping(entry.get("init_inventory", {}), "init_inventory")
    yield Experience(
        kind=Kind.EPISODE,
        task=Task(item.replace("_", " "), kind="minecraft"),
        state=_inventory_text(inventory),
        plan=tuple(call for step in listed(entry, "plan") for call in _calls(mapping(step, "a step"))),
        outcome=Outcome(status=status_of(entry.get("status"))),
        facts={"init_inventory": dict(inventory)},
        scope=Scope(world="minecraft"),
        happened_at_s=time_of(text(entry, "time"), "%Y-%m-%d %H:%M:%S") if "time" in entry else None,
        metadata={"item": item, "image": entry.get("image")},
    )


def _calls(step: Mapping[str, Any]) -> Iterator[SkillCall]:
    """Return a call for each item of a step's goal, such as `craft(stick, 8)`."""
    goal = mapping(step.get("goal"), "goal")
    if not goal:
        raise InvalidRecord("goal is empty; expected the item that the step gives")
    told = text(step, "text", "")
    for item, amount in goal.items():
        if not is_number(amount):
            raise InvalidRecord(f"goal is {amount!r} of {item}; expected a number")
        more = {"text": told} if told and told != item else {}
        yield SkillCall(text(step, "type"), {"item": item, "amount": amount, **more})


def _inventory_text(inventory: Mapping[str, Any]) -> str:
    held = ", ".join(f"{amount} {item.replace('_', ' ')}" for item, amount in inventory.items())
    return f"inventory: {held or 'nothing'}"
