"""Voyager (arXiv 2305.16291): a skill library, `skills.json` beside the folders `code` and `description`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embodied_mem.errors import StoreError
from embodied_mem.records.experience import Experience, Kind, Scope, SkillCall, Task
from embodied_mem.store.transfer.foreign.entries import (
    Entry,
    Skipped,
    converted,
    json_file,
    mapping,
    text,
    text_file,
)

_COMMENT = re.compile(r"//\s*(.*)")


def read(path: Path) -> Iterator[Entry]:
    """Read a skill library: the folder of `skills.json`, one above it, or the file itself.

    Programs in `code` that `skills.json` does not list, such as earlier versions, are read too. Programs are
    kept as text and never run. Nothing but the agent's own model has judged a skill, so it is unverified.
    """
    listing = path if path.is_file() else _listing_in(path)
    skills = json_file(listing)
    if not isinstance(skills, dict):
        raise StoreError(f"{listing} holds {type(skills).__name__}; expected an object with an entry a skill")
    yield from converted(((f"{listing.name}: {name}", (name, each)) for name, each in skills.items()), _skill)
    known = {each.get("code") for each in skills.values() if isinstance(each, dict)}
    for program in sorted((listing.parent / "code").glob("*.js")):
        yield from _unlisted(program, known)


def _listing_in(folder: Path) -> Path:
    for each in (folder / "skills.json", folder / "skill" / "skills.json"):
        if each.is_file():
            return each
    raise StoreError(f"{folder} holds neither skills.json nor skill/skills.json; give one skill library")


def _unlisted(program: Path, known: set[Any]) -> Iterator[Entry]:
    code = text_file(program)
    if code in known:
        return  # of `skills.json`, read already
    described = program.parent.parent / "description" / f"{program.stem}.txt"
    if not described.is_file():
        yield Skipped(f"code/{program.name}", f"description/{described.name} is missing")
        return
    entry = {"code": code, "description": text_file(described)}
    yield from converted([(f"code/{program.name}", (program.stem, entry))], _skill)


def _skill(named: tuple[str, Any]) -> Iterator[Experience]:
    name, entry = named[0], mapping(named[1])
    described = text(entry, "description")
    comments = " ".join(_COMMENT.findall(described)).strip()
    yield Experience(
        kind=Kind.SKILL,
        task=Task(comments or described, kind="minecraft"),
        plan=(SkillCall(name),),
        scope=Scope(world="minecraft"),
        metadata={"name": name, "code": text(entry, "code"), "language": "javascript"},
    )
