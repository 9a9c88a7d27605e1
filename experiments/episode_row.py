"""Convert an episode to a row of `episodes.jsonl`; `embodied_mem.experiments.rows` reads it."""

import math
from typing import Any

from embodied_mem.experiments.streams import Trial
from embodied_mem.records.decisions import CallRecord
from embodied_mem.records.episodes import DecisionRecord, Episode, RecallRecord


def episode_row(
    trial: Trial,
    episode: Episode,
    *,
    arm: str,
    attempt: str,
    max_steps: int,
    seconds: float,
    memory_size: int | None,
    log_sequence: int | None,
) -> dict[str, Any]:
    """Return the row of a finished episode.

    Args:
        trial: The planned episode.
        episode: The finished episode.
        arm: Name of the arm.
        attempt: Id of the attempt.
        max_steps: The environment's own step limit.
        seconds: Wall-clock duration.
        memory_size: Experiences in memory after the episode; None without a memory.
        log_sequence: The memory's horizon after the episode, where a resumed run starts; None without one.
    """
    trace = episode.trace
    return {
        "arm": arm,
        "lifetime": trial.lifetime,
        "phase": str(trial.phase),
        "index": trial.index,
        "kind": trial.kind,
        "task": trace.task.text,
        "seed": trial.seed,
        "instance": trace.task.instance,
        "attempt": attempt,
        "status": str(episode.outcome.status),
        "success": episode.outcome.is_success,
        "steps": trace.steps,
        "max_steps": max_steps,
        "reward": trace.reward if trace.reward is not None and math.isfinite(trace.reward) else None,
        "ended_by": trace.ended_by,
        "error": trace.error,
        "explanation": episode.outcome.explanation,
        "cost": dict(episode.outcome.cost),
        "n_recalls": trace.n_recalls,
        "recalls_spent": trace.n_recalls_refused > 0,
        "seconds": round(seconds, 4),
        "calls": [_call(call) for call in trace.calls],
        "decisions": [_decision(decision) for decision in trace.decisions],
        "recorded": list(episode.recorded),
        "feedback": dict(episode.feedback),
        "memory_size": memory_size,
        "log_sequence": log_sequence,
        "leaks": sum(hit.is_leak for decision in trace.decisions for hit in decision.recalled),
    }


def _call(record: CallRecord) -> dict[str, Any]:
    return _filled(
        call=str(record.call),
        status=str(record.result.status),
        reason=record.result.reason,
        obstacle=record.result.obstacle,
        first_step=record.first_step,
        last_step=record.last_step,
        decision=record.decision,
    )


def _decision(record: DecisionRecord) -> dict[str, Any]:
    return {
        "index": record.index,
        "step": record.step,
        "trigger": str(record.trigger),
        **_filled(
            plan=[str(call) for call in record.plan],
            recalled=[_recalled(hit) for hit in record.recalled],
            shown=list(record.shown),
            acted_on=list(record.acted_on),
            obstacle=record.obstacle,
            reason=record.reason,
        ),
    }


def _recalled(hit: RecallRecord) -> dict[str, Any]:
    return {
        "id": hit.experience_id,
        "score": round(hit.score, 6),
        "parts": {name: round(value, 6) for name, value in hit.parts.items()},
        **_filled(reason=hit.reason, plan=hit.plan, obstacle=hit.obstacle),
    }


def _filled(**fields: Any) -> dict[str, Any]:
    """The non-empty fields; with hundreds of calls per episode, empty ones would be half of the file."""
    return {name: value for name, value in fields.items() if value not in ("", [], 0)}
