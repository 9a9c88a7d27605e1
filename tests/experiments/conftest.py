"""The toy plug-in, in this process and in child processes."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from embodied_mem import registry

PLUGIN = Path(__file__).with_name("toy_plugin")
TOY_RUN = (
    "seeds=tuning",
    "planner=puller",
    "memory.options.weights.task=1.0",  # what the toy planner asks by
    "stream.kinds=[levers:a,levers:b,levers:c,levers:d,levers:e]",
    "lifetimes=2",
    "learning_episodes=10",
    "held_out_episodes=10",
    "report=false",
)


@pytest.fixture
def toy_parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The toy world, planner and memory are registered in this process."""
    monkeypatch.syspath_prepend(str(PLUGIN))
    registry._entries.cache_clear()
    yield
    registry._entries.cache_clear()


@pytest.fixture
def toy_environment(child_environment: dict[str, str]) -> dict[str, str]:
    """Environment variables of a child process that sees the toy plug-in."""
    return {
        **child_environment,
        "PYTHONPATH": os.pathsep.join([str(PLUGIN), child_environment["PYTHONPATH"]]),
    }


@pytest.fixture
def start_cli(toy_environment: dict[str, str], tmp_path: Path) -> Callable[..., "subprocess.Popen[str]"]:
    """Start `embodied-mem` with these words, in an empty folder and a process group of its own."""

    def start(*words: str, **variables: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "embodied_mem", *words],
            cwd=tmp_path,
            env={**toy_environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start


@pytest.fixture
def run_cli(start_cli: Callable[..., "subprocess.Popen[str]"]) -> Callable[..., Any]:
    """Run `embodied-mem` to its end; gives exit code, standard output and standard error."""

    def run(*words: str, **variables: str) -> tuple[int, str, str]:
        process = start_cli(*words, **variables)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    return run
