"""A made-up but lifelike run folder, for tests of what reads one. Equal arguments give equal bytes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

KINDS = (
    "BabyAI-UnlockPickup-v0",
    "BabyAI-BlockedUnlockPickup-v0",
    "BabyAI-KeyCorridorS3R2-v0",
    "BabyAI-GoToImpUnlock-v0",
    "BabyAI-UnblockPickup-v0",
    "BabyAI-Pickup-v0",
    "BabyAI-GoTo-v0",
    "BabyAI-PutNextLocal-v0",
    "BabyAI-PutNextS5N2-v0",
    "BabyAI-MoveTwoAcrossS5N2-v0",
    "BabyAI-Synth-v0",
    "BabyAI-SynthLoc-v0",
    "BabyAI-PickupLoc-v0",
    "MiniGrid-BlockedUnlockPickup-v0",
)
LEARNERS = ("none", "random", "memory", "shuffled", "without_kind")
BESIDE = ("floor", "expert")
REPAIRS = {
    "locked": "pick_up(red key 1); toggle(red door 1)",
    "blocked": "pick_up(grey ball 2); drop()",
    "unseen": "explore()",
    "hands full": "drop()",
    "not held": "pick_up(blue box 1)",
    "closed": "toggle(green door 1)",
}
SKILL = {
    "none": 0.5,
    "random": 0.72,
    "memory": 0.74,
    "shuffled": 0.52,
    "without_kind": 0.73,
    "floor": 0.3,
    "expert": 1.0,
}
GAIN = {"random": 0.12, "memory": 0.24, "without_kind": 0.22, "shuffled": 0.02}
FIT = {"random": 0.3, "memory": 0.92, "shuffled": 0.9, "without_kind": 0.88}
MAX_STEPS = 72


def write_run(
    folder: Path,
    *,
    lifetimes: int = 3,
    learning: int = 12,
    held_out: int = 8,
    arms: Sequence[str] = LEARNERS,
    beside: Sequence[str] = BESIDE,
    kinds: Sequence[str] = KINDS,
    seed: int = 7,
    first_seed: int = 500_000,
    skill: dict[str, float] | None = None,
    **info: Any,
) -> Path:
    """Write a run folder of every arm; `info` overrides keys of `run.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {
        "name": folder.name,
        "config": {
            "experiment": {"lifetimes": lifetimes},
            "memory": {"k": 5, "min_score": 0.1},
            "world": "babyai",
        },
        "seeds": {"range": "report", "first": first_seed},
        "arms": list(arms),
        "beside": list(beside),
        "lifetimes": lifetimes,
        "learning_episodes": learning,
        "held_out_episodes": held_out,
        "kinds": list(kinds),
        "versions": {"embodied-mem": "0.1.0", "minigrid": "3.2.0", "numpy": "2.4.6"},
        "machine": {"cores": 4, "platform": "Linux x86-64"},
        "started": "2026-01-01T10:00:00Z",
        "ended": "2026-01-01T10:01:02Z",
        "status": "finished",
        "knowledge": [
            {"what": "Failure reasons name the obstacle, never the remedy.", "where": "world babyai"},
            {"what": "Skills find their way over what the agent has seen.", "where": "controller"},
        ],
        "command": f"embodied-mem run experiment.lifetimes={lifetimes}",
    }
    (folder / "run.json").write_text(json.dumps(document | info, indent=1), encoding="utf-8")
    for arm in (*arms, *beside):
        chance = (SKILL | (skill or {})).get(arm, 0.6)
        for lifetime in range(lifetimes):
            rng = np.random.default_rng([seed, lifetime, sum(map(ord, arm))])
            problems = np.random.default_rng(
                [first_seed, lifetime]
            )  # the same for every arm: lifetimes are paired
            rows = _lifetime(
                arm,
                lifetime,
                0 if arm in beside else learning,
                learning,
                held_out,
                kinds,
                chance,
                rng,
                problems,
            )
            path = folder / "lifetimes" / arm / f"{lifetime:02d}" / "episodes.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def episode_row(**values: Any) -> dict[str, Any]:
    """A plain successful held-out episode row, with any key replaced."""
    row: dict[str, Any] = {
        "arm": "memory",
        "lifetime": 0,
        "phase": "held_out",
        "index": 0,
        "kind": KINDS[0],
        "task": "pick up the box",
        "seed": 1,
        "instance": "i1",
        "attempt": "a1",
        "status": "success",
        "success": True,
        "steps": 18,
        "max_steps": MAX_STEPS,
        "reward": 0.8,
        "ended_by": "environment",
        "seconds": 0.1,
        "calls": [],
        "decisions": [],
        "recorded": [],
        "feedback": {},
        "memory_size": 0,
    }
    return row | values


def write_rows(folder: Path, rows: Sequence[dict[str, Any]], **info: Any) -> Path:
    """A run folder of exactly these rows."""
    folder.mkdir(parents=True, exist_ok=True)
    arms = list(dict.fromkeys(row["arm"] for row in rows))
    counts: dict[tuple[str, int, str], int] = {}
    for row in rows:
        key = (row["arm"], row["lifetime"], row["phase"])
        counts[key] = counts.get(key, 0) + 1
        path = folder / "lifetimes" / row["arm"] / f"{row['lifetime']:02d}" / "episodes.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    most = {
        phase: max((n for (_, _, p), n in counts.items() if p == phase), default=0)
        for phase in ("learn", "held_out")
    }
    document = {
        "name": folder.name,
        "arms": arms,
        "lifetimes": 1 + max(row["lifetime"] for row in rows),
        "learning_episodes": most["learn"],
        "held_out_episodes": most["held_out"],
        "seeds": {"range": "report", "first": 0},
    }
    (folder / "run.json").write_text(json.dumps(document | info), encoding="utf-8")
    return folder


def _lifetime(
    arm: str,
    lifetime: int,
    learning: int,
    shift: int,
    held_out: int,
    kinds: Sequence[str],
    chance: float,
    rng: np.random.Generator,
    problems: np.random.Generator,
) -> list[dict[str, Any]]:
    memories: list[dict[str, Any]] = []
    luck = rng.normal(0, 0.03)
    drawn = [
        (kinds[int(k)], int(s))
        for k, s in zip(
            problems.integers(0, len(kinds), shift + held_out),
            problems.integers(0, 10_000, shift + held_out),
            strict=True,
        )
    ]
    rows = []
    for index in range(shift - learning, shift + held_out):
        phase = "learn" if index < shift else "held_out"
        kind, seed = drawn[index]
        progress = min(1.0, index / max(1, 0.5 * shift)) if learning else 0.0
        p = (
            chance
            + GAIN.get(arm, 0.0) * progress
            + luck
            - 0.05 * (KINDS.index(kind) % 4 if kind in KINDS else 0)
        )
        won = bool(rng.random() < p) if arm != "expert" else True
        speed = 0.45 - 0.25 * progress * (arm in ("memory", "without_kind")) if arm != "expert" else 0.15
        steps = int(np.clip(MAX_STEPS * speed * rng.gamma(3, 1 / 3), 2, MAX_STEPS)) if won else MAX_STEPS
        calls, decisions = _decisions(arm, memories, steps, won, rng)
        recorded = []
        if phase == "learn":
            for decision in decisions[:2]:
                id_ = rng.bytes(8).hex()
                recorded.append(id_)
                memories.append(
                    {
                        "id": id_,
                        "obstacle": decision["obstacle"],
                        "plan": REPAIRS.get(decision["obstacle"], "explore()"),
                    }
                )
        rows.append(
            episode_row(
                arm=arm,
                lifetime=lifetime,
                phase=phase,
                index=index,
                kind=kind,
                task=f"pick up the {kind[7:13].lower()} box <b>{seed % 5}</b>",
                seed=seed,
                instance=f"{kind}#{seed}",
                attempt=rng.bytes(4).hex(),
                status="success" if won else "timeout",
                success=won,
                steps=steps,
                reward=round(1 - 0.9 * steps / MAX_STEPS, 3) if won else 0.0,
                ended_by="environment",
                seconds=float(rng.random()),
                calls=calls,
                decisions=decisions,
                recorded=recorded,
                feedback={i: won for d in decisions for i in d["acted_on"]} if phase == "learn" else {},
                memory_size=len(memories) if arm != "none" else 0,
                leaks=0,
            )
        )
    return rows


def _decisions(
    arm: str, memories: list[dict[str, Any]], steps: int, won: bool, rng: np.random.Generator
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    calls: list[dict[str, Any]] = []
    decisions: list[dict[str, Any]] = []
    at, count = 0, int(rng.integers(2, 7))
    for index in range(count):
        obstacle = "" if index == 0 else str(rng.choice(list(REPAIRS)))
        fitting = [m for m in memories if m["obstacle"] == obstacle]
        pool = fitting if fitting and rng.random() < FIT.get(arm, 0) else memories
        recalled = []
        if pool and arm not in ("none", *BESIDE):
            for memory in sorted(
                (pool[int(i)] for i in rng.integers(0, len(pool), 5)), key=lambda m: str(m["id"])
            ):
                parts = {
                    name: round(float(rng.random()) * weight, 4)
                    for name, weight in (("task", 0.3), ("obstacle", 0.5), ("trust", 0.2), ("recency", 0.05))
                }
                recalled.append(
                    {
                        **memory,
                        "score": round(sum(parts.values()), 4),
                        "parts": parts,
                        "reason": "same obstacle" if memory["obstacle"] == obstacle else "similar task",
                    }
                )
            recalled.sort(key=lambda m: -m["score"])
        acted_on = [recalled[0]["id"]] if recalled and obstacle else []
        plan = (
            recalled[0]["plan"]
            if acted_on
            else REPAIRS.get(obstacle, "go_to(purple box 1); pick_up(purple box 1)")
        ).split("; ")
        decisions.append(
            {
                "index": index,
                "step": at,
                "trigger": "start" if index == 0 else "failure",
                "plan": plan,
                "recalled": recalled,
                "shown": [m["id"] for m in recalled],
                "acted_on": acted_on,
                "obstacle": obstacle,
                "reason": "the best memory that fits" if acted_on else "nothing fits, so explore",
            }
        )
        for call in plan:
            end = min(steps, at + max(1, steps // (2 * count)))
            last = won and index == count - 1
            failed = not last and rng.random() < 0.35
            calls.append(
                {
                    "call": call,
                    "status": "ended" if last and call == plan[-1] else "failure" if failed else "success",
                    "reason": "the door is locked" if failed else "",
                    "obstacle": "locked" if failed else "",
                    "first_step": at,
                    "last_step": end,
                    "decision": index,
                }
            )
            at = end
    return calls, decisions
