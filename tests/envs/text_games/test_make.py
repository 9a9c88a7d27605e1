"""Without its engine a world says which extra brings it; this needs none of them."""

import sys

import pytest

from embodied_mem.envs import make_world
from embodied_mem.errors import MissingExtra

KINDS = {
    "textworld:cooking": "textworld",
    "textworld_express:coin": "textworld_express",
    "scienceworld:boil": "scienceworld",
    "alfworld:pick_and_place_simple": "alfworld",
    "alfworld_generated:pick_and_place_simple": "alfworld",
}


@pytest.mark.parametrize(("kind", "extra"), KINDS.items())
def test_a_world_without_its_engine_names_the_extra(monkeypatch, kind, extra):
    monkeypatch.setitem(sys.modules, extra, None)  # as if it were not installed
    with pytest.raises(MissingExtra, match=rf"embodied-mem\[{extra}\]"):
        make_world(kind)
