"""A store in a temporary folder; async tests, such as LangChain's standard ones, in a loop of their own."""

import asyncio
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from embodied_mem import MemoryStore

sys.path.insert(0, str(Path(__file__).parent))  # for the stand-ins beside it


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
