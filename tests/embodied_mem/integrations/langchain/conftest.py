"""A store in a temporary folder, and async tests, as LangChain's standard tests are, each in a loop of its own."""

import asyncio
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from embodied_mem import MemoryStore


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.function):
        return None
    names = inspect.signature(pyfuncitem.function).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names if name != "self"}))
    return True


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MemoryStore]:
    with MemoryStore.open(tmp_path / "memory") as opened:
        yield opened
