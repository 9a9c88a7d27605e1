"""What every test shares: repeatable properties, no network, child processes that see this very code."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import embodied_mem

LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")

# Derandomized, so that a red run is red again; the nightly tier searches wider.
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("nightly", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile("ci")


def pytest_configure(config: pytest.Config) -> None:
    """The nightly tier looks at more examples, and a hook refuses the network for good."""
    if config.getoption("markexpr") == "nightly":
        settings.load_profile("nightly")
    sys.addaudithook(_refuse_network)


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    # Stand-ins of simulators may listen on this machine; nothing may look further.
    if event == "socket.connect" and isinstance(arguments[1], tuple):  # a text is a file of this machine
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host and not str(host).startswith(LOOPBACK):
        raise RuntimeError(f"a test reached for {host!r}; tests run without a network")


@pytest.fixture(scope="session")
def child_environment() -> dict[str, str]:
    """Environment variables with which a child process imports the code under test, wherever it runs."""
    code = str(Path(embodied_mem.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([code, *_python_path()])}


@pytest.fixture
def run_python(
    child_environment: dict[str, str], tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run an interpreter with these arguments in an empty folder; its output is captured as text."""

    def run(*arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=child_environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
        )

    return run


def _python_path() -> list[str]:
    return [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
