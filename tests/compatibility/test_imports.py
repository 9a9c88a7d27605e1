"""Every module of earlier releases is imported by its name, and every public name is in it.

Left out are the names of `fixtures/removed.json`, each with its reason, and what is internal: the modules in
`INTERNAL`. Their packages name what is public of them in `__all__`, and a page, a contract or an option of a
user's program leads to that alone; what else stands in them serves searching and SQLite.
"""

import json
import sys
import warnings
from importlib import import_module

import pytest

from embodied_mem import moved
from tests.compatibility.conftest import FIXTURES, RELEASES

MODULES = {
    release: json.loads((FIXTURES / release / "modules.json").read_text("utf-8")) for release in RELEASES
}
REMOVED = json.loads((FIXTURES / "removed.json").read_text("utf-8"))
INTERNAL = {  # a package, and those of its modules that are public
    "embodied_mem.index": {"options"},
    "embodied_mem.backends": {"sqlite"},
}


def is_internal(module):
    package, _, name = module.rpartition(".")
    return package in INTERNAL and name not in INTERNAL[package]


def is_removed(module):
    parents = [module.rsplit(".", n)[0] for n in range(module.count("."))]
    return module in REMOVED or any(f"{parent}.*" in REMOVED for parent in parents)


CASES = [
    pytest.param(module, names, id=f"{release}: {module}")
    for release, modules in MODULES.items()
    for module, names in modules.items()
    if not is_internal(module) and not is_removed(module)
]


@pytest.mark.parametrize(("module", "names"), CASES)
def test_a_module_and_its_public_names_are_there(module, names):
    if module.startswith("embodied_mem.envs.minigrid"):
        pytest.importorskip("minigrid")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = import_module(module)
        missing = [name for name in names if f"{module}:{name}" not in REMOVED and not hasattr(found, name)]
        copies = [name for name in names if hasattr(found, name) and is_copy(getattr(found, name), name)]
    assert not missing
    assert not copies
    assert {warning.category for warning in told} <= {DeprecationWarning}


@pytest.mark.parametrize(("old", "new"), moved.MOVED.items())
def test_a_module_that_has_moved_is_the_very_one_at_its_new_path(old, new, monkeypatch):
    """A copy under the old name would have classes of its own, whose `__module__` is the old name too."""
    monkeypatch.delitem(sys.modules, f"embodied_mem.{old}", raising=False)
    with pytest.warns(DeprecationWarning, match=f"embodied_mem.{new}; import it from there"):
        found = import_module(f"embodied_mem.{old}")
    assert found is import_module(f"embodied_mem.{new}")


def test_forwarding_once_more_changes_nothing():
    before = list(sys.meta_path)
    moved.install()
    assert sys.meta_path == before


def is_copy(value, name):
    """Whether its home holds another one, of which `isinstance` would not know this one."""
    home = getattr(value, "__module__", None)
    if (
        not isinstance(home, str)
        or not home.startswith("embodied_mem")
        or getattr(value, "__qualname__", "") != name
    ):
        return False
    return getattr(import_module(home), name) is not value


def test_what_is_said_to_be_removed_was_there():
    known = {module for modules in MODULES.values() for module in modules}
    known |= {
        f"{module}:{name}" for modules in MODULES.values() for module in modules for name in modules[module]
    }
    known |= {f"{module}.*" for module in known}
    assert set(REMOVED) <= known
    assert all(reason for reason in REMOVED.values())
