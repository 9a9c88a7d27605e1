"""One run over all subjects at one size: they take turns, so that machine noise affects all equally."""

import contextlib
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.measuring import Timings, folder_bytes
from benchmarks.prepared import Filter, Prepared
from benchmarks.subject import OWN, describe_subject
from benchmarks.worker_process import WorkerProcess, syncs_per_add
from benchmarks.workload import recall_at_k
from embodied_mem.errors import ExperimentError
from tests.durability.file_calls import missing_reason

Say = Callable[[str], None]

SLOW_TURN_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured.

    Attributes:
        rounds: Turns that every subject gets.
        adds: Records that are added in each.
        budget_s: Seconds after which a subject's turn ends, once it made five calls.
    """

    rounds: int = 5
    adds: int = 100
    budget_s: float = 8.0


@dataclass(slots=True, kw_only=True)
class Measured:
    """What was measured of one subject at one size.

    Attributes:
        name: The subject.
        load_s: Seconds of the bulk load.
        searches: Filter to one `Timings` a round.
        recalls: Filter to recall@10 against the exact answers, in the round that found least.
        adds: One `Timings` a round.
        catch_up_s: Seconds a round that indexes needed after the adds.
        syncs_per_add: Waits for the disk an add; None where nothing is kept, or where they cannot be counted.
        rss_mb: Memory beyond the imports: in a fresh process that opened the store and searched by vectors,
            or in the process that loaded it where nothing is kept.
        rss_text_mb: The same after a search by words, for our own stores.
        rss_loading_mb: The same in the process that loaded everything.
        disk_mb: Size of the files.
        reopen_s: Seconds to open the store in a fresh process, first search included.
        small: The same subject with few records, whose adds took turns with these; None where there is none.
    """

    name: str
    load_s: float = 0.0
    searches: dict[Filter, list[Timings]] = field(default_factory=dict)
    recalls: dict[Filter, float] = field(default_factory=dict)
    adds: list[Timings] = field(default_factory=list)
    catch_up_s: list[float] = field(default_factory=list)
    syncs_per_add: float | None = None
    rss_mb: float | None = None
    rss_text_mb: float | None = None
    rss_loading_mb: float | None = None
    disk_mb: float | None = None
    reopen_s: float | None = None
    small: "Measured | None" = None

    @property
    def least_recall(self) -> float:
        """The lowest recall over the filters; NaN if nothing was searched."""
        return min(self.recalls.values(), default=math.nan)

    def search_p50_ms(self, kind: Filter) -> float:
        """The median over rounds of the median wall-clock time."""
        return statistics.median(timings.p50_ms for timings in self.searches[kind])

    def add_p50_ms(self) -> float:
        """The same for an add, including its share of the indexes' catch-up time."""
        return statistics.median(self.add_rounds_ms())

    def add_rounds_ms(self) -> list[float]:
        """Each round's figure behind `add_p50_ms`."""
        return [
            timings.p50_ms + late * 1e3 / len(timings.wall_s)
            for timings, late in zip(self.adds, self.catch_up_s, strict=True)
        ]

    def document(self) -> dict[str, Any]:
        """Return all results as JSON, with each round."""
        result: dict[str, Any] = {"title": describe_subject(self.name).title, "load_s": self.load_s}
        for kind, rounds in self.searches.items():
            result[f"search_{kind}"] = {
                **Timings.joined(rounds).document(),
                "p50_ms_by_round": [round(timings.p50_ms, 4) for timings in rounds],
                "recall_at_10": self.recalls[kind],
            }
        if self.adds:
            result["add"] = {
                **Timings.joined(self.adds).document(),
                "p50_with_catch_up_ms": self.add_p50_ms(),
                "p50_with_catch_up_ms_by_round": self.add_rounds_ms(),
            }
        if self.small is not None:
            result["add_to_small"] = self.small.document()["add"]
        rest = ("syncs_per_add", "rss_mb", "rss_text_mb", "rss_loading_mb", "disk_mb", "reopen_s")
        return {**result, **{name: getattr(self, name) for name in rest}}


@dataclass(frozen=True, slots=True)
class _Adder:
    """A store with n records that adds further records in turns."""

    worker: WorkerProcess
    of: Measured
    n: int

    def take_turn(self, effort: Effort, say: Say) -> None:
        first = self.n + sum(len(timings.wall_s) for timings in self.of.adds)
        given = {"first": first, "count": effort.adds, "budget_s": effort.budget_s}
        answer = _ask(self.worker, self.of.name, say, "add", **given)
        self.of.adds.append(Timings(tuple(answer["wall_s"]), answer["cpu_s"]))
        self.of.catch_up_s.append(answer["catch_up_s"])


def compare(
    names: Sequence[str], n: int, folder: Path, effort: Effort, say: Say, *, small: int | None = None
) -> dict[str, Measured]:
    """Measure subjects on n records.

    Args:
        names: The subjects.
        n: Records that are loaded.
        folder: Folder of the workload and the stores; not emptied.
        effort: How much is measured.
        say: Called with progress messages.
        small: Records of another store of ours whose adds take turns with those of the first; None for none.
    """
    say(f"{n:,} records: making the workload")
    workload = folder / "workload"
    prepared = _prepare(n, effort, workload)
    measured = {name: Measured(name=name) for name in names}
    with contextlib.ExitStack() as stack:
        workers = {name: stack.enter_context(WorkerProcess(name, workload, folder / name)) for name in names}
        _load(workers, measured, say)
        _search(workers, measured, prepared, effort, say)
        adders = [_Adder(worker, measured[name], n) for name, worker in workers.items() if _adds(name)]
        if small is not None and OWN in measured:
            adder = stack.enter_context(_small_adder(small, folder, effort))
            measured[OWN].small = adder.of
            adders.insert(0, adder)  # beside ours, which is the first
        _add(adders, effort, say)
        _close(workers, measured, folder)
    for name in names:
        if describe_subject(name).is_durable:
            _reopen(measured[name], workload, folder / name, say)
            if not missing_reason():
                measured[name].syncs_per_add = syncs_per_add(name, workload, folder / f"{name}-syncs")
    return measured


def _adds(name: str) -> bool:
    return describe_subject(name).role != "floor"


def _prepare(n: int, effort: Effort, folder: Path) -> Prepared:
    prepared = Prepared.make(n, max(effort.rounds * effort.adds, 100))
    prepared.save(folder)
    return prepared


@contextlib.contextmanager
def _small_adder(n: int, folder: Path, effort: Effort) -> Iterator[_Adder]:
    """Our own store with n records, ready to take turns."""
    workload = folder / "small-workload"
    _prepare(n, effort, workload)
    with WorkerProcess(OWN, workload, folder / "small") as worker:
        for do in ("open", "load", "warm_up"):
            worker.ask(do)
        yield _Adder(worker, Measured(name=OWN), n)
        worker.ask("close")


def _load(workers: Mapping[str, WorkerProcess], measured: Mapping[str, Measured], say: Say) -> None:
    for name, worker in workers.items():
        worker.ask("open")
        measured[name].load_s = worker.ask("load")["wall_s"]
        worker.ask("warm_up")
        say(f"  {name}: loaded in {measured[name].load_s:.1f} s")


def _search(
    workers: Mapping[str, WorkerProcess],
    measured: Mapping[str, Measured],
    prepared: Prepared,
    effort: Effort,
    say: Say,
) -> None:
    for kind in Filter:
        truth = prepared.answers(kind)
        for number in range(effort.rounds):
            for name, worker in workers.items():
                if kind is Filter.NONE and not describe_subject(name).has_unfiltered:
                    continue
                answer = _ask(worker, name, say, "search", kind=kind, budget_s=effort.budget_s)
                _note_search(measured[name], kind, answer, truth)
            say(f"  searched with filter {kind}, round {number + 1} of {effort.rounds}")
    for name, worker in workers.items():
        measured[name].rss_mb = measured[name].rss_loading_mb = worker.ask("memory")["rss_mb"]


def _ask(worker: WorkerProcess, name: str, say: Say, do: str, **arguments: Any) -> dict[str, Any]:
    """Return the worker's answer; report slow turns, so that a long run shows its progress."""
    began = time.perf_counter()
    answer = worker.ask(do, **arguments)
    took_s = time.perf_counter() - began
    if took_s > SLOW_TURN_S:
        say(f"    {name}: {do} took {took_s:.0f} s")
    return answer


def _note_search(
    of: Measured, kind: Filter, answer: Mapping[str, Any], truth: Sequence[frozenset[int]]
) -> None:
    """Store the result of a turn.

    Raises:
        ExperimentError: The subject found nothing, so it is broken rather than slow.
    """
    found = answer["found"]
    if not any(found):
        raise ExperimentError(
            f"{of.name} brought nothing back for {len(found)} queries with filter {kind}; expected some, "
            "so look whether its installed version is one that the extra bench allows"
        )
    of.searches.setdefault(kind, []).append(Timings(tuple(answer["wall_s"]), answer["cpu_s"]))
    of.recalls[kind] = min(of.recalls.get(kind, 1.0), recall_at_k(found, truth[: len(found)]))


def _add(adders: Sequence[_Adder], effort: Effort, say: Say) -> None:
    for number in range(effort.rounds):
        # Alternate the order, so that no subject always runs after the same one's pending disk writes.
        for adder in adders if number % 2 == 0 else reversed(adders):
            adder.take_turn(effort, say)
        say(f"  added, round {number + 1} of {effort.rounds}")


def _close(workers: Mapping[str, WorkerProcess], measured: Mapping[str, Measured], folder: Path) -> None:
    for name, worker in workers.items():
        worker.ask("close")
        worker.stop()
        if describe_subject(name).is_durable:
            measured[name].disk_mb = folder_bytes(folder / name) / 1e6


def _reopen(of: Measured, workload: Path, folder: Path, say: Say) -> None:
    """Reopen a closed store in a fresh process; measure the time and the memory."""
    with WorkerProcess(of.name, workload, folder) as worker:
        of.reopen_s = worker.ask("open")["first_search_s"]
        for kind in Filter:
            if kind is not Filter.NONE or describe_subject(of.name).has_unfiltered:
                worker.ask("search", kind=kind, budget_s=1.0)
        of.rss_mb = worker.ask("memory")["rss_mb"]
        if describe_subject(of.name).role == "own":
            worker.ask("search_text")
            of.rss_text_mb = worker.ask("memory")["rss_mb"]
        worker.ask("close")
    say(f"  {of.name}: reopened in {of.reopen_s:.2f} s, {of.rss_mb:.0f} MB")
