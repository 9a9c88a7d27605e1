"""The names that users import: each has one short way to it, and the documents take that."""

import ast
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

import embodied_mem
from embodied_mem import testing
from embodied_mem.store import upkeep

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LAZY = [embodied_mem, testing, upkeep]
SUB_PACKAGES = [found.name for found in pkgutil.iter_modules(embodied_mem.__path__) if found.ispkg]


def imports_of(text):
    """(module, name) of every `from embodied_mem... import` in the Python of a page."""
    lines = [line.strip() for line in text.splitlines()]
    found = [
        ast.parse(line).body[0] for line in lines if line.startswith("from embodied_mem") and "(" not in line
    ]
    return [(node.module, alias.name) for node in found for alias in node.names]


@pytest.mark.parametrize("package", LAZY, ids=lambda package: package.__name__)
def test_every_public_name_is_there(package):
    for name in package.__all__:
        assert getattr(package, name) is not None
    assert set(package._HOMES) == set(package.__all__) - {"__version__"}
    assert dir(package) == sorted(package.__all__)


@pytest.mark.parametrize("package", LAZY, ids=lambda package: package.__name__)
def test_an_unknown_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        package.Nothing  # noqa: B018


@pytest.mark.parametrize("name", SUB_PACKAGES)
def test_a_sub_package_says_what_it_is_and_what_of_it_is_public(name):
    package = import_module(f"embodied_mem.{name}")
    assert package.__doc__
    assert all(hasattr(package, public) for public in package.__all__)


def test_a_name_that_is_short_is_the_same_as_the_long_one():
    from embodied_mem.index.index_options import IndexOptions
    from embodied_mem.store.upkeep.retention import Retention

    assert embodied_mem.IndexOptions is IndexOptions
    assert embodied_mem.Retention is upkeep.Retention is Retention


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_imports_by_the_short_way(page):
    long = [
        f"{module}.{name}"
        for module, name in imports_of(page.read_text("utf-8"))
        if module != "embodied_mem" and name in embodied_mem.__all__
    ]
    assert not long
