"""langgraphjs #2721: a namespace that begins like another one sees its records."""

import itertools

import pytest

from embodied_mem import MemoryStore, Scope, where
from tests.durability.examples import example

NAMES = ("user", "user-1", "user-10", "user-1/a", "user.1", "User-1", "user-1 ", "user-%", "user_1", "*")
COMPONENTS = ("agent", "world", "place", "person", "run")


@pytest.fixture(scope="module")
def memory(tmp_path_factory):
    with MemoryStore.open(tmp_path_factory.mktemp("store")) as store:
        memory = store.memory()
        for component, name in itertools.product(COMPONENTS, NAMES):
            scope = Scope(**{component: name})
            memory.record(example(f"{component} {name}").replace(scope=scope))
        yield memory


class ComparesBeginnings:
    """The planted bug: the text of the scope begins like the one that was asked for."""

    def __init__(self, memory) -> None:
        self._memory = memory

    def recall(self, *, where, k):
        component = where.path.rpartition(".")[2]
        hits = self._memory.recall(k=k)
        return [hit for hit in hits if getattr(hit.experience.scope, component).startswith(where.value)]


def check_each_scope_sees_its_own_alone(memory) -> None:
    for component, name in itertools.product(COMPONENTS, NAMES):
        hits = memory.recall(where=where(**{f"scope__{component}": name}), k=1_000)
        assert [hit.experience.id for hit in hits] == [f"{component} {name}"]


def test_namespace_prefix_langgraphjs_2721(memory):
    check_each_scope_sees_its_own_alone(memory)


def test_the_planted_bug_is_caught(memory):
    with pytest.raises(AssertionError):
        check_each_scope_sees_its_own_alone(ComparesBeginnings(memory))
