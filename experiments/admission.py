"""Measure which task kinds an experiment may use, by a rule that was fixed before any measurement.

A kind is admitted if it leaves room for learning (a random legal skill and the planner without memory neither
nearly always fail nor nearly always succeed) and the world's expert solves it. The result lists every kind
measured, admitted or not.
"""

import dataclasses
import datetime
import json
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments import outputs
from embodied_mem.experiments.compose import compose_config
from embodied_mem.experiments.config import RunConfig, RunPlan, StreamConfig, differences, make_plan
from embodied_mem.experiments.journal import recover
from embodied_mem.experiments.locks import folder_lock
from embodied_mem.experiments.run_command import play_lifetimes
from embodied_mem.experiments.runner import all_units

LOWEST, HIGHEST, LEAST_EXPERT = 0.1, 0.8, 0.95
MIN_EPISODES = 100
ARMS = ("none", "floor", "expert")
MODEL_PLANNER = "llm"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a kind must show: `floor` and `none` from `lowest` to 0.8, the expert at least 0.95.

    Attributes:
        lowest: Lowest share of successes of `floor` and `none`.
        min_episodes: Lowest number of episodes of each arm.
    """

    lowest: float = LOWEST
    min_episodes: int = MIN_EPISODES

    def __str__(self) -> str:
        return (
            f"floor and none both within {self.lowest:g} to {HIGHEST}, expert at least {LEAST_EXPERT}, "
            f"at least {self.min_episodes} tuning episodes"
        )


RULE = str(Rule())
# A small model without memory may fail always, which leaves the more to learn; its episodes take seconds.
MODEL_RULE = Rule(lowest=0.0, min_episodes=40)
EPISODES_AT_ONCE = 5  # of each kind per unit of work; small units keep all workers busy to the end


def admit(
    folder: Path,
    *,
    kinds: Sequence[str] | None = None,
    episodes: int | None = None,
    workers: int = 0,
    overrides: Sequence[str] = (),
    out: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Measure task kinds on tuning seeds and write the result; resumes an interrupted measurement.

    Args:
        folder: Folder of the episodes.
        kinds: Task kinds; by default all of `conf/stream/candidates.yaml`.
        episodes: Minimum number of episodes of each kind and arm; by default what the rule asks.
        workers: Worker processes, as in a run.
        overrides: Overrides of the run, such as `planner=llm` and `llm=smollm2`.
        out: Path of the result; by default `admission.json` in `folder`.
        say: Called with progress lines.

    Returns:
        Path of the result.

    Raises:
        ExperimentError: The folder holds another measurement, or an episode could not be played.
    """
    config = compose_config(["stream=candidates", "seeds=tuning", "report=false", *overrides])
    rule = MODEL_RULE if config.planner.name == MODEL_PLANNER else Rule()
    plan = make_plan(_config(config, kinds, episodes or rule.min_episodes))
    folder.mkdir(parents=True, exist_ok=True)
    with folder_lock(folder):
        document = _begin(plan, folder)
        say(f"{len(plan.config.stream.kinds)} task kinds, rule: {rule}; kept in {folder}")
        play_lifetimes(plan, folder, attempt=document["attempt"], workers=workers)
        families = _families(plan, folder, rule)
        admitted = [family["kind"] for family in families if family["admitted"]]
        result = {
            "rule": str(rule),
            "seeds": plan.seeds.name,
            "planner": {"name": plan.config.planner.name, "options": plan.config.planner.options},
            "limits": dataclasses.asdict(plan.config.limits),
            "versions": outputs.versions(),
            "machine": outputs.machine(),
            "admitted": admitted,
            "families": families,
        }
        path = out or folder / "admission.json"
        outputs.write_atomically(path, json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    say(f"{len(admitted)} of {len(families)} admitted: {', '.join(admitted)}")
    return path


def verdict(shares: dict[str, float], n_episodes: int, rule: Rule) -> tuple[bool, str]:
    """Return whether a kind is admitted, and the reason if not."""
    if n_episodes < rule.min_episodes:
        return False, f"only {n_episodes} episodes"
    if shares["expert"] < LEAST_EXPERT:
        return False, "the expert does not solve it"
    for arm in ("floor", "none"):
        if shares[arm] < rule.lowest:
            return False, f"{arm} nearly always fails"
        if shares[arm] > HIGHEST:
            return False, f"{arm} nearly always succeeds"
    return True, ""


def _config(config: RunConfig, kinds: Sequence[str] | None, episodes: int) -> RunConfig:
    config.name, config.arms, config.learning_episodes = "admission", list(ARMS), 0
    if kinds:
        config.stream = StreamConfig(name="given", kinds=list(kinds))
    config.lifetimes = math.ceil(episodes / EPISODES_AT_ONCE)
    config.held_out_episodes = EPISODES_AT_ONCE * len(config.stream.kinds)
    return config


def _begin(plan: RunPlan, folder: Path) -> dict[str, Any]:
    now = datetime.datetime.now().astimezone()
    if not (folder / outputs.RUN_FILE).exists():
        document = outputs.start_document(plan, command="embodied-mem admission", now=now)
    else:
        document = outputs.read_document(folder)
        different = differences(outputs.read_config(document), plan.config)
        if different:
            raise ExperimentError(
                f"{folder} holds another measurement ({'; '.join(different)}); name another --folder"
            )
        document["attempt"] += 1
    outputs.write_document(folder, document)
    return document


def _families(plan: RunPlan, folder: Path, rule: Rule) -> list[dict[str, Any]]:
    wins: dict[tuple[str, str], list[bool]] = defaultdict(list)
    errors: dict[str, str] = {}
    for unit in all_units(plan):
        for row in recover(unit.folder(folder)):
            wins[row["kind"], row["arm"]].append(row["success"])
            if row["error"] or (row["arm"] == "expert" and not row["success"]):
                errors.setdefault(row["kind"], row["error"] or row["explanation"])
    families = []
    for kind in plan.config.stream.kinds:
        shares = {arm: sum(wins[kind, arm]) / len(wins[kind, arm]) for arm in ARMS}
        n_episodes = min(len(wins[kind, arm]) for arm in ARMS)
        is_admitted, reason = verdict(shares, n_episodes, rule)
        family = {
            "kind": kind,
            "episodes": n_episodes,
            **{arm: round(share, 4) for arm, share in shares.items()},
        }
        families.append(
            {**family, "admitted": is_admitted, "reason": reason, "first_failure": errors.get(kind, "")}
        )
    return families
