"""Runs a contract's test class against a wrong implementation and says which of its tests noticed."""

import asyncio
import inspect
import itertools
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest


def failures(contract: type, **fixture_factories: Callable[[], Any]) -> list[str]:
    """Names of the contract's `test_*` methods that fail; each runs on a fresh instance with fresh fixtures.

    Args:
        contract: A test class of `embodied_mem.testing`.
        fixture_factories: Fixture name -> what makes one. The contract's own fixtures are known too.
    """
    tests = [name for name in dir(contract) if name.startswith("test_")]
    assert tests, f"{contract.__name__} has no test"
    return [
        name
        for name in tests
        if any(_fails(contract, name, case, fixture_factories) for case in _cases(contract, name))
    ]


def _fails(
    contract: type, name: str, case: Mapping[str, Any], factories: Mapping[str, Callable[[], Any]]
) -> bool:
    instance = contract()
    with tempfile.TemporaryDirectory() as folder:
        made: dict[str, Any] = {"tmp_path": Path(folder), **case}
        try:
            result = _call(getattr(instance, name), instance, made, factories)
            if inspect.isawaitable(result):
                asyncio.run(_wait(result))
        except pytest.skip.Exception:
            return False
        except (Exception, pytest.fail.Exception):
            return True
        finally:
            _close(made)
    return False


def _call(
    function: Callable[..., Any], instance: Any, made: dict[str, Any], factories: Mapping[str, Any]
) -> Any:
    names = [name for name in inspect.signature(function).parameters if name != "self"]
    return function(**{name: _fixture(name, instance, made, factories) for name in names})


def _fixture(name: str, instance: Any, made: dict[str, Any], factories: Mapping[str, Any]) -> Any:
    if name not in made:
        own = inspect.getattr_static(type(instance), name, None)
        if name in factories:
            made[name] = factories[name]()
        elif own is not None:
            wrapped = getattr(own, "_fixture_function", own)  # what @pytest.fixture wraps
            value = _call(inspect.unwrap(wrapped).__get__(instance), instance, made, factories)
            made[name] = next(value) if isinstance(value, Iterator) else value
        else:
            raise LookupError(f"no fixture {name!r}; given {', '.join(factories)}")
    return made[name]


def _cases(contract: type, name: str) -> list[dict[str, Any]]:
    """One set of arguments for each combination of `pytest.mark.parametrize`."""
    axes: list[list[dict[str, Any]]] = []
    for mark in getattr(getattr(contract, name), "pytestmark", []):
        if mark.name == "parametrize":
            names = (
                [n.strip() for n in mark.args[0].split(",")]
                if isinstance(mark.args[0], str)
                else mark.args[0]
            )
            rows = [getattr(row, "values", row) if hasattr(row, "marks") else row for row in mark.args[1]]
            axes.append([dict(zip(names, row if len(names) > 1 else _one(row), strict=True)) for row in rows])
    return [dict(itertools.chain(*(part.items() for part in parts))) for parts in itertools.product(*axes)]


def _one(row: Any) -> tuple[Any, ...]:
    return row if isinstance(row, tuple) and len(row) == 1 else (row,)


async def _wait(result: Any) -> Any:
    return await result


def _close(made: Mapping[str, Any]) -> None:
    for value in made.values():
        close = getattr(value, "close", None)
        if callable(close):
            try:
                close()
            except Exception:
                continue
