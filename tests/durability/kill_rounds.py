"""Rounds of killing: writers, a reader and one that keeps up, killed at a random time, and what is left."""

import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.durability.examples import Acknowledged
from tests.durability.verify import Verdict, verdict
from tests.durability.zygote import Zygote

ROUNDS_A_STORE = 10  # then a new one, so that looking at all of it stays quick


@dataclass
class Totals:
    """What all rounds together came to."""

    kills: int = 0
    processes: int = 0
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    torn: int = 0
    unacknowledged_present: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, found: Verdict) -> None:
        """Take in one store as it was at the end."""
        self.acknowledged += found.n_acknowledged
        self.unacknowledged_present += found.n_unacknowledged

    def __str__(self) -> str:
        return (
            f"kills {self.kills} (of {self.processes} processes), acknowledged {self.acknowledged}, "
            f"lost {self.lost}, doubled {self.doubled}, torn {self.torn}, "
            f"present though not acknowledged {self.unacknowledged_present}, "
            f"other problems {len(self.problems)}"
        )


class KillRounds:
    """Kills again and again; each store lives through several kills.

    Args:
        zygote: Forks the children.
        folder: Where the stores are made.
        seed: Of everything that is random.
    """

    def __init__(self, zygote: Zygote, folder: Path, seed: int) -> None:
        self._zygote, self._folder, self._seed = zygote, folder, seed
        self.totals = Totals()

    def run(self, n_kills: int) -> Iterator[Verdict]:
        """What was found after each kill."""
        for number in range(n_kills):
            rng = random.Random(f"{self._seed} {number}")
            place = self._folder / f"store-{number // ROUNDS_A_STORE}"
            found = self._round(rng, place, number)
            self._count(
                found, number, is_last=number % ROUNDS_A_STORE == ROUNDS_A_STORE - 1 or number == n_kills - 1
            )
            yield found

    def _round(self, rng: random.Random, place: Path, number: int) -> Verdict:
        place.mkdir(exist_ok=True)
        options = _options(rng)
        writers = [f"w{n}" for n in range(rng.randint(1, 4))]
        pids = [self._start_writer(place, writer, number, options, rng) for writer in writers]
        if rng.random() < 0.7:
            problems = str(place / "reader-problems")
            pids.append(self._zygote.start("read", store=str(place / "store"), problems=problems))
        if rng.random() < 0.5:
            pids.append(self._zygote.start("keep_up", store=str(place / "store"), seed=number))
        self._kill(pids, rng)
        acknowledged = [line for file in place.glob("*.ids") for line in Acknowledged(file).lines()]
        found = verdict(place / "store", acknowledged)
        problems = Acknowledged(place / "reader-problems").lines()
        assert not problems, problems
        return found

    def _start_writer(
        self, place: Path, writer: str, number: int, options: dict[str, Any], rng: random.Random
    ) -> int:
        noted = place / f"{writer}.ids"
        return self._zygote.start(
            "write",
            store=str(place / "store"),
            writer=writer,
            acknowledged=str(noted),
            first=_next_number(noted),
            seed=number,
            checkpoint_every=rng.choice((None, 3, 20)),
            **options,
        )

    def _kill(self, pids: list[int], rng: random.Random) -> None:
        """All at once, or one after the other, so that the others meet what a killed one left behind."""
        time.sleep(rng.uniform(0.01, 0.25))
        is_staggered = rng.random() < 0.5
        for pid in rng.sample(pids, len(pids)):
            os.kill(pid, signal.SIGKILL)
            if is_staggered:
                time.sleep(rng.uniform(0, 0.03))
        for pid in pids:
            status = self._zygote.wait(pid)
            assert status == -signal.SIGKILL, f"a child ended by itself: {self._zygote.output()[-3000:]}"
        self.totals.kills += 1
        self.totals.processes += len(pids)

    def _count(self, found: Verdict, number: int, *, is_last: bool) -> None:
        totals = self.totals
        totals.lost += len(found.lost)
        totals.doubled += len(found.doubled)
        totals.torn += len(found.torn)
        totals.problems += [f"after kill {number}: {problem}" for problem in found.problems]
        if is_last:  # a store's acknowledged ids are counted once, not after each of its kills
            totals.add(found)


def _options(rng: random.Random) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if rng.random() < 0.4:
        options["commit_every"] = rng.choice((2, 7, 50))
    if rng.random() < 0.2:
        options["fsync"] = True
    return options


def _next_number(noted: Path) -> int:
    numbers = [int(line.rpartition("-")[2]) for line in Acknowledged(noted).lines()]
    return 1 + max(numbers, default=-1)
