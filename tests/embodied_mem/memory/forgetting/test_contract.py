"""Every policy of the library keeps to the contract."""

import pytest

from embodied_mem.memory.forgetting import Ebbinghaus, Fifo, KeepAll, Lfu, Lru, Utility, WTinyLfu
from embodied_mem.testing import ForgettingContract

POLICIES = {
    "keep_all": KeepAll,
    "fifo": Fifo,
    "lru": Lru,
    "lfu": Lfu,
    "lfu, ageing": lambda: Lfu(half_life=7.0),
    "w_tiny_lfu": lambda: WTinyLfu(12),
    "ebbinghaus": Ebbinghaus,
    "utility": Utility,
}


class TestEveryPolicy(ForgettingContract):
    @pytest.fixture(params=POLICIES.values(), ids=POLICIES.keys())
    def make_policy(self, request):
        return request.param
