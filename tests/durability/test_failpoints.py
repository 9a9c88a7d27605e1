"""Killed at every place that the code names: nothing acknowledged is lost, and doing it again finishes it.

Each operation is run once unbroken, then again and again, killed at each place that it reaches, at the first
and at the last time. Afterwards the store is whole; and after the operation was run again, there is what the
unbroken run left.
"""

import itertools
import shutil
import signal
from collections import Counter
from functools import cached_property

import pytest

from embodied_mem import failpoints
from tests.durability.examples import Acknowledged
from tests.durability.file_calls import layer_variables
from tests.durability.operations import BEFORE, OPERATIONS
from tests.durability.places import is_reached, places_in_sources
from tests.durability.verify import verdict
from tests.durability.zygote import Zygote

NAMES = sorted(OPERATIONS)


class Killed:
    """One operation, prepared once, and run and killed in copies of its folder.

    Args:
        name: Of the operation.
        zygote: Forks the children.
        folder: Where everything lies.
    """

    def __init__(self, name: str, zygote: Zygote, folder) -> None:
        self.name, self.operation = name, OPERATIONS[name]
        self._zygote, self._folder = zygote, folder
        self._prepared = folder / "prepared"
        self._prepared.mkdir(parents=True)
        self.operation.prepare(self._prepared)
        self._numbers = itertools.count()
        self.reached: Counter[str] = Counter()

    @cached_property
    def unbroken(self) -> object:
        """What there is after a run that nobody interrupts; notes which places it reaches."""
        folder = self._copy()
        status = self._run(folder, places=str(folder / "places"))
        assert status == 0, self._zygote.output()[-3000:]
        self.reached = Counter(Acknowledged(folder / "places").lines())
        return self.operation.look(folder)

    def look_after_kill(self, **at) -> "object | None":
        """What there is after a kill and a second run; None if nothing was killed, because it had ended."""
        folder = self._copy()
        status = self._run(folder, **at)
        assert status in (0, -signal.SIGKILL), self._zygote.output()[-3000:]
        if (folder / "store").exists():
            self._check(folder, may_be_open=("purges", *self.operation.is_open_meanwhile))
        again = self._run(folder)
        assert again == 0, f"a second run after {at} failed: {self._zygote.output()[-3000:]}"
        self._check(folder)
        found = self.operation.look(folder)
        shutil.rmtree(folder)
        return None if status == 0 else found

    def _check(self, folder, *, may_be_open=()) -> None:
        said = set(Acknowledged(folder / "acknowledged").lines())
        if self.operation.starts_with_some:
            said |= set(BEFORE)
        found = verdict(
            folder / "store",
            said - set(self.operation.gone),
            may_be_open=(*may_be_open, *self.operation.is_open),
        )
        assert found.is_kept, found

    def _copy(self):
        folder = self._folder / f"run-{next(self._numbers)}"
        shutil.copytree(self._prepared, folder)
        return folder

    def _run(self, folder, **at) -> int:
        noted = str(folder / "acknowledged")
        return self._zygote.run("operate", operation=self.name, folder=str(folder), acknowledged=noted, **at)


@pytest.fixture(scope="module")
def all_killed(zygote, tmp_path_factory):
    """Each operation by its name, prepared once for all tests of this file."""
    return {name: Killed(name, zygote, tmp_path_factory.mktemp(name)) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_killed_at_every_place_and_done_again_it_is_as_if_unbroken(name, all_killed):
    killed = all_killed[name]
    expected = killed.unbroken
    for place, n_times in killed.reached.items():
        for nth in sorted({1, n_times}):
            assert killed.look_after_kill(place=place, nth=nth) == expected, f"{place}, time {nth}"


def test_every_place_of_the_code_is_reached_by_an_operation(all_killed):
    reached = set()
    for killed in all_killed.values():
        assert killed.unbroken is not None
        reached |= set(killed.reached)
    missed = {where: place for place, where in places_in_sources().items() if not is_reached(place, reached)}
    assert not missed, "add an operation to operations.py that reaches these"


def test_every_place_belongs_to_a_phase_and_every_phase_has_a_place():
    phases = {place.partition(":")[0] for place in places_in_sources()}
    assert phases == set(failpoints.PHASES)


@pytest.mark.nightly
@pytest.mark.parametrize("name", NAMES)
def test_killed_at_every_call_to_the_file_system_it_is_as_if_unbroken(
    name, layer, child_environment, tmp_path
):
    variables = layer_variables(layer, tmp_path, tmp_path.parent / f"{tmp_path.name}.journal")
    zygote = Zygote({**child_environment, **variables}, tmp_path.parent)
    try:
        killed = Killed(name, zygote, tmp_path)
        expected = killed.unbroken
        for n in itertools.count(1):
            found = killed.look_after_kill(die_at=n)
            if found is None:
                break
            assert found == expected, f"killed at call {n}"
    finally:
        zygote.close()
    print(f"\n{name}: killed at each of {n - 1} calls", end="")
    assert n > 1
