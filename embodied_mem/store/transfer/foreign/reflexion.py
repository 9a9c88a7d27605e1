"""Reflexion (arXiv 2303.11366): the logs of its ALFWorld trials, with lessons and whole episodes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embodied_mem.errors import InvalidRecord, StoreError
from embodied_mem.records.experience import Experience, Kind, Outcome, Scope, Status, Task
from embodied_mem.store.transfer.foreign.alfworld_commands import plan_of
from embodied_mem.store.transfer.foreign.entries import (
    Entry,
    Skipped,
    converted,
    items_of,
    listed,
    mapping,
    text,
    text_file,
)

WORLD = Scope(world="alfworld")

_LINE = re.compile(r"^#####$", re.MULTILINE)
_SUMMARY = re.compile(r"-----\nSUCCESS:.*-----", re.DOTALL)
_PLAYED = re.compile(
    r"Environment #(?P<number>\d+):\n(?P<history>.*)\n\nSTATUS: (?P<status>OK|FAIL)", re.DOTALL
)
_EARLIER = re.compile(r"Environment #\d+: Success")
_TASK = re.compile(r"^Your task is to: (?P<task>.*)$", re.MULTILINE)
_HERE = "Here is the task:\n"  # examples and lessons come before it


def read(path: Path) -> Iterator[Entry]:
    """Read an `env_results_trial_N.json` (lessons), a `trial_N.log` (episodes), or all of a folder."""
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if _is_log(each))
    if not files:
        raise StoreError(f"{path} holds neither env_results_trial_N.json nor trial_N.log")
    for file in files:
        if file.suffix == ".json":
            yield from converted(items_of(file), _lessons)
        else:
            yield from _episodes(file)


def _is_log(file: Path) -> bool:
    name = file.name
    return re.fullmatch(r"env_results_trial_\d+\.json|trial_\d+\.log", name) is not None and file.is_file()


def _lessons(given: Any) -> Iterator[Experience]:
    """Return the lessons of one game; a later trial repeats those before, which are one experience each."""
    entry = mapping(given)
    name, lessons = text(entry, "name"), listed(entry, "memory")
    if not isinstance(entry.get("is_success"), bool):
        raise InvalidRecord("is_success is missing; expected true or false")
    for number, lesson in enumerate(lessons):
        if not isinstance(lesson, str) or not lesson.strip():
            raise InvalidRecord(f"memory[{number}] is {lesson!r}; expected a text")
        yield Experience(
            kind=Kind.LESSON,
            task=Task("", kind="alfworld"),
            state=lesson.strip(),
            outcome=Outcome(status=Status.FAILURE),  # a lesson is written after a failed trial
            scope=WORLD,
            metadata={"game": name, "number": number},
        )


def _episodes(file: Path) -> Iterator[Entry]:
    content = text_file(file).replace("\r\n", "\n")
    blocks = [block.strip() for block in _LINE.split(content) if block.strip()]
    if not any(block.startswith("Environment #") for block in blocks):
        raise StoreError(f"{file} holds no block 'Environment #N' between lines of #####")
    for number, block in enumerate(blocks):
        place = f"{file.name}, block {number}"
        if _EARLIER.fullmatch(block):
            yield Skipped(place, "won in an earlier trial, and not played in this one", is_malformed=False)
        elif _SUMMARY.fullmatch(block):
            yield Skipped(place, "the summary of the trial", is_malformed=False)
        else:
            yield from converted([(place, block)], _episode)


def _episode(block: Any) -> Iterator[Experience]:
    found = _PLAYED.fullmatch(block)
    if found is None:
        raise InvalidRecord("expected 'Environment #N:', the history, and 'STATUS: OK' or 'STATUS: FAIL'")
    history = found["history"].rpartition(_HERE)[2]
    task = _TASK.search(history)
    if task is None:
        raise InvalidRecord("expected 'Your task is to: ' in the history")
    start, *steps = re.split(r"^> ?", history[task.end() :], flags=re.MULTILINE)
    actions, observations = [], []
    for step in steps:
        action, _, observation = step.partition("\n")
        actions.append(action.strip())
        observations.append(observation.strip())
    status = Status.SUCCESS if found["status"] == "OK" else Status.FAILURE
    yield Experience(
        kind=Kind.EPISODE,
        task=Task(task["task"].strip(), kind="alfworld"),
        state=(history[: task.start()] + start).strip(),
        plan=plan_of(actions),
        outcome=Outcome(status=status, steps=len(actions)),
        state_after=observations[-1] if observations else "",
        scope=WORLD,
        metadata={"game": f"env_{found['number']}", "steps": history[task.end() :].strip()},
    )
