"""Our store beside its peers on one workload, one thread, in one run.

    python -m benchmarks.store --json FILE [--n 1000,10000] [--quick] [--only NAME]

Exit code 1 where a bar is missed, 2 where it cannot be run, or not be judged because a store was left out.
Bars of sizes that were not asked for are named and not judged, and leave the code as it is; --quick judges
those of 1,000 records. docs/benchmarks.md says what is compared and how.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.bars import STORE_BARS, bars_at
from benchmarks.comparison import Effort, Measured, Say, compare
from benchmarks.rows import Row, benchmark_document, rows_of
from benchmarks.sizes import parse_sizes
from benchmarks.subject import SUBJECTS, describe_subject
from benchmarks.table import rows_table, subjects_table
from embodied_mem.errors import EmbodiedMemError, ExperimentError, MissingExtra
from embodied_mem.experiments.outputs import write_atomically

SIZES = (1_000, 10_000, 100_000)
QUICK_SIZES = (1_000,)
QUICK = Effort(rounds=2, adds=50, budget_s=2.0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code."""
    given = _parse(arguments)
    try:
        names = chosen_subjects(given.only)
        check_installed(names)
        results = measure(names, given.n, given.effort, given.folder, _print)
    except EmbodiedMemError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return _report(results, [name for name in chosen_subjects(None) if name not in names], given.json)


def _report(results: Mapping[int, Mapping[str, Measured]], left_out: Sequence[str], path: Path | None) -> int:
    """Print and write what was measured, held against its bars; the exit code."""
    rows = rows_of(results)
    why = why_not_judged(results, left_out, rows)
    if why:  # with subjects left out, the fastest peer is unknown
        rows = [replace(row, bar=None) for row in rows]
    judged = {row.name for row in rows if row.bar is not None}
    not_judged = [name for name in STORE_BARS if name not in judged]
    _print_results(results, rows)
    if path:
        said = {**document(results, rows), "left_out": left_out, "not_judged": not_judged}
        write_atomically(path, json.dumps(said, indent=1) + "\n")
    if why:
        print(f"No bar was judged, as these were left out: {why}", file=sys.stderr)
        return 2
    if not_judged:
        print(f"\nNot judged, as their sizes were not measured: {', '.join(not_judged)}")
    return 0 if all(row.is_met for row in rows) else 1


def why_not_judged(sizes: Collection[int], left_out: Sequence[str], rows: Sequence[Row]) -> str:
    """What has to be there to judge the bars of these sizes and is not; empty where nothing lacks.

    Args:
        sizes: Numbers of records that were measured; without a bar among them nothing is judged or lacks.
        left_out: Subjects that were not measured.
        rows: What came out; a bar without a row of its name lacks it.
    """
    asked, there = bars_at(STORE_BARS, sizes), {row.name for row in rows}
    return ", ".join([*left_out, *(name for name in asked if name not in there)]) if asked else ""


def chosen_subjects(only: Sequence[str] | None) -> list[str]:
    """The subjects to measure, in the order of the table.

    Raises:
        UnknownName: One of the names is no subject.
        ExperimentError: There is none.
    """
    if only is None:
        return list(SUBJECTS)
    wanted = {name for name in only if describe_subject(name)}
    if not wanted:
        raise ExperimentError(
            f"--only {','.join(only)!r} measures nothing; expected some of {', '.join(SUBJECTS)}"
        )
    return [name for name in SUBJECTS if name in wanted]


def check_installed(names: Sequence[str]) -> None:
    """Check the installed packages before measuring.

    Raises:
        MissingExtra: A peer's package is not installed; the message is the command that installs all of them.
    """
    missing = sorted(
        {
            module.split(".")[0]
            for name in names
            for module in describe_subject(name).modules
            if find_spec(module.split(".")[0]) is None
        }
    )
    if missing:
        raise MissingExtra(f"{', '.join(missing)} not installed; run: pip install -e '.[bench]'")


def measure(
    names: Sequence[str], sizes: Sequence[int], effort: Effort, folder: Path | None, say: Say
) -> dict[int, dict[str, Measured]]:
    """Measure every size in a folder of its own, which is removed again.

    Args:
        names: The subjects.
        sizes: Numbers of records.
        effort: How much is measured.
        folder: Where to make the folders; the temporary one of the machine if None.
        say: Called with progress messages.
    """
    results = {}
    for n in sorted(sizes):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix="bench-") as temporary:
            small = min(sizes) if n > min(sizes) else None
            results[n] = compare(names, n, Path(temporary), effort, say, small=small)
    return results


def document(results: Mapping[int, Mapping[str, Measured]], rows: Sequence[Row]) -> dict[str, Any]:
    """Everything that was measured, as JSON."""
    subjects = {
        str(n): {name: each.document() for name, each in measured.items()} for n, measured in results.items()
    }
    return benchmark_document("store", rows, subjects=subjects)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.store")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument("--n", type=parse_sizes, help="numbers of records, such as 1000,10000")
    parser.add_argument("--quick", action="store_true", help="1,000 records and less of everything")
    parser.add_argument("--only", type=_names, help=f"of {', '.join(SUBJECTS)}")
    parser.add_argument("--folder", type=Path, help="where stores are made; a real disk, not a RAM disk")
    parser.add_argument("--rounds", type=_rounds, default=Effort().rounds, help="turns that each store gets")
    given = parser.parse_args(arguments)
    given.effort = QUICK if given.quick else Effort(rounds=given.rounds)
    given.n = given.n or (QUICK_SIZES if given.quick else SIZES)
    return given


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


def _rounds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of turns, at least 1")
    return int(text)


def _print_results(results: Mapping[int, Mapping[str, Measured]], rows: Sequence[Row]) -> None:
    for n, measured in results.items():
        print(f"\n{subjects_table(n, measured)}")
    print(f"\n{rows_table(rows)}")
    missed = [row.name for row in rows if not row.is_met]
    if missed:
        print(f"\nMissed: {', '.join(missed)}")


def _print(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
