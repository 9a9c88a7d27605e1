import pytest

from embodied_mem import registry
from embodied_mem.contracts import Forgetting
from embodied_mem.errors import UnknownName
from embodied_mem.memory.forgetting import KeepAll, make_forgetting

OPTIONS = {"w_tinylfu": {"capacity": 10}}


@pytest.mark.parametrize("name", ["ebbinghaus", "fifo", "lfu", "lru", "none", "utility", "w_tinylfu"])
def test_a_policy_is_made_by_its_name(name):
    assert name in registry.names("forgetting")
    assert isinstance(make_forgetting(name, **OPTIONS.get(name, {})), Forgetting)


def test_none_keeps_everything():
    assert isinstance(make_forgetting("none"), KeepAll)


def test_an_unknown_policy_gives_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'w_tinylfu'"):
        make_forgetting("w_tiny_lfu")
