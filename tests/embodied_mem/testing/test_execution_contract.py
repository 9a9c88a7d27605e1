import subprocess
import sys

import numpy as np
import pytest
from planted import failures

from embodied_mem.records import SkillCall
from embodied_mem.records.skills import SkillResult, SkillStatus
from embodied_mem.testing.execution import ExecutionContract
from embodied_mem.testing.key_door import KeyDoorExecution, KeyDoorWorld


def walk():
    return SkillCall("go_to", {"object": "chest"})


FAILED = SkillResult(status=SkillStatus.FAILURE, reason="the way is blocked", obstacle="closed")


class TestKeyDoorExecution(ExecutionContract):
    @pytest.fixture
    def world(self):
        return KeyDoorWorld()

    @pytest.fixture
    def call(self):
        return walk()

    @pytest.fixture
    def failing_call(self):
        return walk()


class FreeFailure(KeyDoorExecution):
    """Fails without a step."""

    def advance(self, observation):
        self._result = self._result or FAILED
        return self._result


class Unstoppable(KeyDoorExecution):
    """Goes on after it was cancelled."""

    def cancel(self):
        return SkillResult(status=SkillStatus.CANCELLED)


class Blocking(KeyDoorExecution):
    """Steps the environment by itself, past every wrapper."""

    def advance(self, observation):
        self._world.env.step(np.int64(0))
        return super().advance(observation)


class Wild(KeyDoorExecution):
    """Gives actions that the environment does not have."""

    def advance(self, observation):
        result = super().advance(observation)
        return result if isinstance(result, SkillResult) else np.int64(result + 100)


class NamesStrangers(KeyDoorExecution):
    """Gives subjects that its reason does not speak of."""

    def advance(self, observation):
        result = super().advance(observation)
        if isinstance(result, SkillResult):
            return SkillResult(status=SkillStatus.FAILURE, reason="no way", subjects=("blue door",))
        return result


class Braking(KeyDoorExecution):
    """Waits once after it was cancelled."""

    def stop_action(self):
        return np.int64(0)


class BrakesWildly(Braking):
    def stop_action(self):
        return np.int64(99)


class GoesOnAfterBraking(Braking):
    """Forgets that it was cancelled."""

    def stop_action(self):
        self._result = None
        return np.int64(0)


def world_with(execution):
    class Faulty(KeyDoorWorld):
        def start(self, call):
            super().start(call)
            return execution(self, call)

    return Faulty


@pytest.mark.parametrize(
    ("fault", "noticed"),
    [
        (FreeFailure, "test_a_failure_costs_a_step"),
        (Unstoppable, "test_a_cancelled_call_stays_cancelled"),
        (Blocking, "test_starting_takes_no_step"),
        (Wild, "test_it_gives_actions_of_the_environment"),
        (NamesStrangers, "test_a_failure_says_why"),
        (BrakesWildly, "test_its_stop_action_is_one_of_the_environment"),
        (GoesOnAfterBraking, "test_its_stop_action_is_one_of_the_environment"),
    ],
)
def test_a_wrong_execution_is_rejected(fault, noticed):
    assert noticed in failures(ExecutionContract, world=world_with(fault), call=walk, failing_call=walk)


@pytest.mark.parametrize("execution", [KeyDoorExecution, Braking])
def test_a_right_execution_passes_whole(execution):
    assert failures(ExecutionContract, world=world_with(execution), call=walk, failing_call=walk) == []


@pytest.mark.parametrize("test", ["test_a_failure_costs_a_step", "test_a_failure_says_why"])
def test_a_failing_call_that_works_is_said_to_work(test):
    works = SkillCall("take", {"object": "red key"})
    with pytest.raises(
        AssertionError, match="ended as success; `failing_call` must fail right after a reset"
    ):
        getattr(ExecutionContract(), test)(KeyDoorWorld(), works)


def test_a_contract_shows_the_two_sides_of_a_failed_assert(tmp_path):
    """Pytest rewrites asserts of test files only, unless a package registers its own."""
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "from embodied_mem.testing import KeyDoorWorld, WorldContract\n"
        "class Twice(KeyDoorWorld):\n"
        "    def skills(self, observation, *, detail='signature'):\n"
        "        return []\n"
        "class TestTwice(WorldContract):\n"
        "    @pytest.fixture\n"
        "    def world(self):\n"
        "        return Twice()\n",
        "utf-8",
    )
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "offers_skills", "."]
    said = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert "assert []" in said.stdout
