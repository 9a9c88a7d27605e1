"""HELPER (arXiv 2310.15127): folders of examples, each a text file with a dialogue and a program."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embodied_mem.errors import InvalidRecord
from embodied_mem.records.experience import Experience, Kind, Outcome, Task
from embodied_mem.records.json_values import JsonValue
from embodied_mem.store.transfer.foreign.entries import Entry, converted, files_in, text_file
from embodied_mem.store.transfer.foreign.programs import calls_of

# What an example begins with; the heading of the program may be missing, as in the custom ones.
_ASKED = re.compile(r"\s*(?:dialogue|input|high level goal)\s*:(?P<asked>.*)", re.IGNORECASE | re.DOTALL)
_PROGRAM = re.compile(r"^python script:[ \t]*$", re.IGNORECASE | re.MULTILINE)
_COMPLETED = re.compile(r"^completed program:[ \t]*$", re.IGNORECASE | re.MULTILINE)
_REPAIR = re.compile(
    r"- Input:\s*Failed subgoal:\s*(?P<failed>.*?)\s*Execution error:\s*(?P<error>.*?)\s*"
    r"Input dialogue:\s*(?P<dialogue>.*?)\s*- Output:\s*(?:'''|\"\"\")?\s*Explain:\s*(?P<explain>.*?)\s*"
    r"Plan:\s*(?P<plan>.*?)\s*(?:'''|\"\"\")?\s*",
    re.DOTALL,
)


def read(path: Path) -> Iterator[Entry]:
    """Read an example, or all `*.txt` in a folder; nobody says how an example went, so it is unverified."""
    root = path if path.is_dir() else path.parent
    entries = ((str(each.relative_to(root)), text_file(each)) for each in files_in(path, "*.txt"))
    return converted(entries, _experiences)


def _experiences(example: Any) -> Iterator[Experience]:
    if example.lstrip().startswith("- Input:"):
        yield _repair(example)
        return
    found = _ASKED.fullmatch(example)
    if found is None:
        raise InvalidRecord("expected 'Dialogue:', 'Input:' or 'High Level Goal:' at the beginning")
    asked, program = _parts(found["asked"])
    completed = _COMPLETED.split(asked, maxsplit=1)
    calls = calls_of(program)
    yield Experience(
        kind=Kind.EPISODE,
        task=Task(completed[0].strip(), kind="helper"),
        state=f"done already: {completed[1].strip()}" if len(completed) > 1 else "",
        plan=calls or (),
        metadata=_program(program, calls is not None),
    )


def _parts(asked: str) -> tuple[str, str]:
    """Return what was asked, and the program; without a heading it begins on the second line."""
    parts = _PROGRAM.split(asked, maxsplit=1)
    if len(parts) == 1:
        parts = asked.lstrip().split("\n", 1)
    if len(parts) == 1 or not parts[1].strip():
        raise InvalidRecord("expected a program after the dialogue, under 'Python script:'")
    return parts[0], parts[1].strip("\n")


def _repair(example: str) -> Experience:
    found = _REPAIR.fullmatch(example.strip())
    if found is None:
        raise InvalidRecord(
            "expected 'Failed subgoal:', 'Execution error:', 'Input dialogue:', 'Explain:' and 'Plan:', in "
            "this order"
        )
    calls = calls_of(found["plan"])
    return Experience(
        kind=Kind.REPAIR,
        task=Task(found["dialogue"], kind="helper"),
        state=f"failed: {found['failed']}\n{found['error']}",
        plan=calls or (),
        outcome=Outcome(explanation=found["explain"]),
        metadata={"error": found["error"], **_program(found["plan"], calls is not None)},
    )


def _program(program: str, is_typed: bool) -> dict[str, JsonValue]:
    return {"program": program, "language": "python", "is_typed": is_typed}
