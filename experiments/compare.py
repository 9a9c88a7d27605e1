"""Compare arms of the same name across runs, paired by lifetime where the problems are the same."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments import statistics
from embodied_mem.experiments.comparison_text import comparison_text, write_files
from embodied_mem.experiments.estimates import difference, lifetime_values, mean_with_interval, rounded
from embodied_mem.experiments.memory_use import use_notes, use_of
from embodied_mem.experiments.metrics import COMPARED, METRICS
from embodied_mem.experiments.run_folder import Lifetime, Run, RunInfo, read_run
from embodied_mem.experiments.summary import focus_arm


@dataclass(frozen=True, slots=True)
class Contestant:
    """One arm of one run."""

    run: str
    arm: str
    lifetimes: tuple[Lifetime, ...]

    @property
    def label(self) -> str:
        """Name in the comparison: `run/arm`."""
        return f"{self.run}/{self.arm}"


def compare(folders: Sequence[str | Path], out: str | Path | None = None) -> dict[str, Any]:
    """Compare arms of the same name across two or more runs.

    Runs are named after their folders. Lifetimes are paired if their held-out episodes are the same problems
    in the same order; if no lifetimes pair, the arms are compared unpaired and `notes` says so. Only task
    kinds that every run has are compared.

    Args:
        folders: Two or more run folders.
        out: Folder for `comparison.md`, `comparison.json` and `comparison.csv`; None writes no files.

    Returns:
        `runs`, `kinds`, `arms` (means with intervals), `comparisons` (like those of `summary.json`, with
        `interquartile_mean_a`, `_b` and `probability_of_improvement`), `notes`, and `text` (the Markdown).

    Raises:
        ExperimentError: There are fewer than two runs, a run is given twice, or the runs share no task kind
            or no arm with a complete lifetime.
    """
    runs = _read(folders)
    kinds = _common_kinds(runs)
    contestants = _contestants(runs, kinds)
    comparisons = [entry for a, b in _pairs(contestants, runs) for entry in _compare(a, b)]
    if not comparisons:
        raise ExperimentError(_nothing_in_common(runs))
    result: dict[str, Any] = {
        "runs": {name: _about(run) for name, run in runs.items()},
        "kinds": kinds,
        "arms": {one.label: _arm(one) for one in contestants},
        "comparisons": comparisons,
        "notes": [*_notes(runs, kinds), *_pairing_notes(comparisons)],
    }
    result = rounded(result)
    result["text"] = comparison_text(result)
    if out is not None:
        write_files(Path(out), result)
    return result


def _read(folders: Sequence[str | Path]) -> dict[str, Run]:
    if len(folders) < 2:
        raise ExperimentError(f"expected two or more run folders; given {len(folders)}")
    paths = [Path(folder).resolve() for folder in folders]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise ExperimentError(f"{twice} is given twice; a run compared with itself shows nothing")
    names = [path.name for path in paths]
    if len(set(names)) < len(names):  # add the parent folder: A/run and B/run
        names = ["/".join(path.parts[-2:]) for path in paths]
    if len(set(names)) < len(names):
        names = [str(path) for path in paths]
    return {name: read_run(path) for name, path in zip(names, paths, strict=True)}


def _common_kinds(runs: Mapping[str, Run]) -> list[str]:
    per_run = {
        name: {row.kind for row in run.episodes() if row.phase == "held_out"} for name, run in runs.items()
    }
    common = set.intersection(*per_run.values())
    if not common:
        listed = "; ".join(
            f"{name}: {', '.join(sorted(kinds)) or 'no held-out episode'}" for name, kinds in per_run.items()
        )
        raise ExperimentError(f"the runs have no task kind in common, so nothing can be compared ({listed})")
    return sorted(common)


def _contestants(runs: Mapping[str, Run], kinds: Sequence[str]) -> list[Contestant]:
    found = []
    for name, run in runs.items():
        for arm in run.arms:
            lives = tuple(_only(life, set(kinds)) for life in run.complete(arm, "held_out"))
            if any(life.held_out for life in lives):
                found.append(Contestant(name, arm, tuple(life for life in lives if life.held_out)))
    return found


def _only(life: Lifetime, kinds: set[str]) -> Lifetime:
    return replace(life, held_out=tuple(row for row in life.held_out if row.kind in kinds))


def _pairs(contestants: Sequence[Contestant], runs: Mapping[str, Run]) -> list[tuple[Contestant, Contestant]]:
    """Pairs (later run, earlier run): arms of the same name, and the two focus arms."""
    focus = {name: focus_arm(run) for name, run in runs.items()}
    pairs = []
    for a, b in itertools.combinations(contestants, 2):
        is_focus = a.arm == focus[a.run] and b.arm == focus[b.run]
        if a.run != b.run and (a.arm == b.arm or is_focus):
            pairs.append((b, a))
    return pairs


def _compare(a: Contestant, b: Contestant) -> list[dict[str, Any]]:
    # Match by problems, not by number: two runs may hold the same lifetimes in another order.
    by_problems = {tuple(row.problem for row in life.held_out): life for life in b.lifetimes}
    matched = [(life, by_problems.get(tuple(row.problem for row in life.held_out))) for life in a.lifetimes]
    pairs = [(life, other) for life, other in matched if other is not None]
    lives_a = [life for life, _ in pairs] or list(a.lifetimes)
    lives_b = [other for _, other in pairs] or list(b.lifetimes)
    entries = []
    for name in COMPARED:
        values_a, values_b = (lifetime_values(lives, METRICS[name].of) for lives in (lives_a, lives_b))
        entries.append(
            {
                "a": a.label,
                "b": b.label,
                "metric": name,
                "unit": "lifetime",
                "lifetimes": [len(a.lifetimes), len(b.lifetimes)],
                **difference(values_a, values_b, is_paired=bool(pairs), highest=METRICS[name].highest),
                "interquartile_mean_a": statistics.interquartile_mean(values_a),
                "interquartile_mean_b": statistics.interquartile_mean(values_b),
                "probability_of_improvement": statistics.probability_of_improvement(values_a, values_b),
            }
        )
    return entries


def _arm(one: Contestant) -> dict[str, Any]:
    values = {name: lifetime_values(one.lifetimes, METRICS[name].of) for name in COMPARED}
    return {"run": one.run, "arm": one.arm, "lifetimes": len(one.lifetimes)} | {
        name: mean_with_interval(per_lifetime) for name, per_lifetime in values.items()
    }


def _about(run: Run) -> dict[str, Any]:
    keys = (
        "name",
        "command",
        "seeds",
        "lifetimes",
        "learning_episodes",
        "held_out_episodes",
        "versions",
        "status",
    )
    document = run.info.model_dump(mode="json")
    return {key: document[key] for key in keys}


def _notes(runs: Mapping[str, Run], kinds: Sequence[str]) -> list[str]:
    notes = []
    for name, run in runs.items():
        held_out = {row.kind for row in run.episodes() if row.phase == "held_out"}
        left_out = sorted(held_out - set(kinds))
        if left_out:
            notes.append(f"{name}: left out task kinds that not every run has: {', '.join(left_out)}.")
        if run.info.seeds.get("range") == "tuning":
            notes.append(f"{name} was run on tuning seeds, which are no evidence for a claim.")
        for arm in run.arms:
            notes += use_notes(f"{name}/{arm}", use_of(run, arm))
        short = [arm for arm in run.arms if len(run.complete(arm, "held_out")) < run.info.lifetimes]
        if short:
            notes.append(f"{name} is incomplete ({', '.join(short)}); only complete lifetimes count.")
    for key in ("learning_episodes", "held_out_episodes", "lifetimes"):
        values = {name: getattr(run.info, key) for name, run in runs.items()}
        if len(set(values.values())) > 1:
            notes.append(f"{key} differ: {', '.join(f'{name} {value}' for name, value in values.items())}.")
    notes += _version_notes({name: run.info for name, run in runs.items()})
    limits = _step_limits(runs, kinds)
    if limits:
        notes.append(
            f"The step limit differs between the runs in {', '.join(limits)}: area and budgets cannot be "
            "compared there."
        )
    return notes


def _version_notes(infos: Mapping[str, RunInfo]) -> list[str]:
    keys = sorted({key for info in infos.values() for key in info.versions})
    notes = []
    for key in keys:
        values = {name: info.versions.get(key, "unknown") for name, info in infos.items()}
        if len({str(value) for value in values.values()}) > 1:
            notes.append(
                f"Versions of {key} differ: {', '.join(f'{name} {value}' for name, value in values.items())}."
            )
    return notes


def _step_limits(runs: Mapping[str, Run], kinds: Sequence[str]) -> list[str]:
    limits: dict[str, list[frozenset[int]]] = {}
    for kind in kinds:
        limits[kind] = [
            frozenset(row.max_steps for row in run.episodes() if row.kind == kind and row.phase == "held_out")
            for run in runs.values()
        ]
    return [
        kind for kind, sets in limits.items() if len(set(sets)) > 1 and all(len(found) == 1 for found in sets)
    ]


def _pairing_notes(comparisons: Sequence[Mapping[str, Any]]) -> list[str]:
    notes = []
    for entry in comparisons:
        if entry["metric"] != COMPARED[0]:
            continue
        if not entry["is_paired"]:
            notes.append(
                f"{entry['a']} and {entry['b']} share no lifetime with the same problems, so they are "
                "compared unpaired."
            )
        elif entry["pairs"] < max(entry["lifetimes"]):
            notes.append(
                f"{entry['a']} and {entry['b']}: {entry['pairs']} lifetimes are paired, the rest is left "
                "out of the difference."
            )
    return notes


def _nothing_in_common(runs: Mapping[str, Run]) -> str:
    arms = "; ".join(f"{name}: {', '.join(run.arms) or 'none'}" for name, run in runs.items())
    return f"no complete lifetime of an arm that two runs share, so nothing can be compared ({arms})"
