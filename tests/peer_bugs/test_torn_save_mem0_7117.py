"""mem0 #7117 and LangChain's `save_local`: the whole store is written over the old file, and a kill tears it.

Measured there: a kill during an add lost everything, older records too, in four of five trials.
"""

import itertools

import pytest

from tests.durability.examples import Acknowledged
from tests.durability.file_calls import layer_variables
from tests.durability.zygote import Zygote
from tests.peer_bugs.subjects import SUBJECTS

OLD = [f"old-{n}" for n in range(5)]
NEW = [f"new-{n}" for n in range(2)]


@pytest.fixture
def watched(layer, child_environment, tmp_path):
    """A zygote on top of the layer, which can kill at any call to the file system, and its folder."""
    folder = tmp_path / "watched"
    folder.mkdir()
    variables = layer_variables(layer, folder, tmp_path / "journal")
    zygote = Zygote({**child_environment, **variables}, tmp_path)
    yield zygote, folder
    zygote.close()


def check_killed_at_every_call_nothing_is_lost(subject, zygote, folder) -> int:
    """Kill while adding, at the first call to the file system, at the second, ... until there are no more."""
    for die_at in itertools.count(1):
        place, noted = folder / f"{subject}-{die_at}", folder.parent / f"{subject}-{die_at}.ids"
        old = SUBJECTS[subject](place)
        for name in OLD:
            old.record(name)
        old.close()
        status = zygote.run(
            "tests.peer_bugs.subjects:fill",
            subject=subject,
            folder=str(place),
            names=NEW,
            acknowledged=str(noted),
            die_at=die_at,
        )
        left = SUBJECTS[subject](place)
        assert set(left.ids()) >= {*OLD, *Acknowledged(noted).lines()}, f"killed at call {die_at}"
        left.close()
        if status == 0:
            return die_at - 1
    raise AssertionError("it never ends")


def test_torn_save_mem0_7117(watched):
    assert check_killed_at_every_call_nothing_is_lost("ours", *watched) >= 4


def test_the_planted_bug_is_caught(watched):
    with pytest.raises(AssertionError, match="killed at call 2"):
        check_killed_at_every_call_nothing_is_lost("saves_over_itself", *watched)
