"""`embodied-mem doctor`: versions, extras, and what this machine would trip over. Never shows a secret."""

import os
import platform
import sqlite3
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from embodied_mem.experiments.outputs import machine

CORE = (
    "embodied-mem",
    "numpy",
    "gymnasium",
    "faiss-cpu",
    "hydra-core",
    "langchain",
    "langchain-core",
    "pydantic",
    "rich",
)
EXTRAS = {"grid": "minigrid"}
SQLITE_WITHOUT_RACE = (3, 51, 3)  # older ones may lose a checkpoint when two processes reset the WAL at once


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination.

    Attributes:
        name: What was looked at.
        value: What was found.
        is_problem: Whether something that the library needs is missing.
        advice: What to do, if anything.
    """

    name: str
    value: str
    is_problem: bool = False
    advice: str = ""

    def __str__(self) -> str:
        mark = "PROBLEM" if self.is_problem else "note" if self.advice else "ok"
        return f"{mark:<8}{self.name:<18}{self.value}" + (f"; {self.advice}" if self.advice else "")


def examine(output_folder: Path = Path("outputs")) -> list[Finding]:
    """Look at everything; changes nothing."""
    hardware = machine()
    return [
        Finding("python", platform.python_version()),
        *(_package(name) for name in CORE),
        _sqlite(),
        *(_extra(extra, module) for extra, module in EXTRAS.items()),
        Finding(
            "machine",
            f"{hardware['cores']} cores, {hardware['memory_gb']} GB, {hardware['cpu']}, {hardware['os']}",
        ),
        _folder(output_folder),
    ]


def _package(name: str) -> Finding:
    try:
        return Finding(name, version(name))
    except PackageNotFoundError:
        return Finding(name, "not installed", is_problem=True, advice="run: pip install embodied-mem")


def _sqlite() -> Finding:
    if sqlite3.sqlite_version_info >= SQLITE_WITHOUT_RACE:
        return Finding("sqlite", sqlite3.sqlite_version)
    return Finding(
        "sqlite",
        sqlite3.sqlite_version,
        advice="below 3.51.3 checkpoints of two processes may race; stores take a lock, except on Windows",
    )


def _extra(extra: str, module: str) -> Finding:
    if find_spec(module) is not None:
        return Finding(f"extra [{extra}]", "installed")
    return Finding(f"extra [{extra}]", "not installed", advice=f"run: pip install 'embodied-mem[{extra}]'")


def _folder(folder: Path) -> Finding:
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if os.access(existing, os.W_OK):
        return Finding("outputs", f"{folder} can be written")
    return Finding(
        "outputs", f"{existing} cannot be written", is_problem=True, advice="name another folder with out="
    )
