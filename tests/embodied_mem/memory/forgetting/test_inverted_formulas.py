"""Formulas that reference code has upside down, each beside the defect that its test sees."""

import math

import pytest

from embodied_mem.memory.forgetting import Ebbinghaus, Lru, Remembered

STRENGTHS = range(1, 8)
AGES = (0.5, 1.0, 3.0, 10.0)


def retention_after(n_useful: int, age: float) -> float:
    policy = Ebbinghaus()
    policy.added(Remembered(id="m"), at=0)
    for _ in range(n_useful):
        policy.used("m", at=0, helped=True)
    return policy.retention(at=age)["m"]


def memory_bank_code(strength: float, age: float) -> float:
    """`math.exp(-t / 5*S)` of MemoryBank's forget_memory.py: the strength multiplies."""
    return math.exp(-age / 5 * strength)


def rises_with_strength(retention) -> bool:
    return all(retention(low + 1, age) > retention(low, age) for low in STRENGTHS for age in AGES)


def test_memory_bank_forgetting_is_not_inverted():
    assert rises_with_strength(retention_after)


def test_the_formula_of_memory_banks_code_is_inverted():
    assert not rises_with_strength(memory_bank_code)


def test_retention_is_the_formula_of_the_paper():
    # R = exp(-t / S) with S = 1 at first and +1 a recall: MemoryBank section 3, values by hand.
    assert retention_after(0, 1.0) == pytest.approx(0.36787944)
    assert retention_after(1, 1.0) == pytest.approx(0.60653066)
    assert retention_after(4, 10.0) == pytest.approx(0.13533528)


def generative_agents_code(used_longest_ago_first: list[str]) -> dict[str, float]:
    """`recency_decay ** i` of retrieve.py, where i counts from the node that was used longest ago."""
    return {node: 0.995**i for i, node in enumerate(used_longest_ago_first, start=1)}


def ours(used_longest_ago_first: list[str]) -> dict[str, float]:
    policy = Lru()
    for node in reversed(used_longest_ago_first):
        policy.added(Remembered(id=node), at=0)
    for at, node in enumerate(used_longest_ago_first, start=1):
        policy.used(node, at=at)
    return dict(policy.retention(at=len(used_longest_ago_first)))


@pytest.mark.parametrize(("recency", "is_right"), [(ours, True), (generative_agents_code, False)])
def test_generative_agents_recency_is_not_inverted(recency, is_right):
    nodes = ["first", "second", "third"]
    retention = recency(nodes)
    assert (sorted(nodes, key=retention.__getitem__) == nodes) is is_right
