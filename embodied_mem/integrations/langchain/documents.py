"""Experiences as documents of LangChain."""

from langchain_core.documents import Document

from embodied_mem.records.experience import Experience, Outcome, Recalled, Scope, Status
from embodied_mem.records.json_values import JsonObject


def document_of(hit: Recalled) -> Document:
    """Return a recalled experience as a document: told in words, with scores and origin as metadata.

    The metadata holds `id`, `kind`, `outcome` (the status), `scope` (named components), `score` and `parts`
    (its named parts), `similarities`, `reason`, `happened_at_s`, and the experience's own `metadata`.
    """
    experience = hit.experience
    return Document(
        id=experience.id,
        page_content=in_words(experience),
        metadata={
            "id": experience.id,
            "kind": experience.kind,
            "outcome": experience.outcome.status.value,
            "scope": named_components(experience.scope),
            "score": hit.score,
            "parts": dict(hit.parts),
            "similarities": dict(hit.similarities),
            "reason": hit.reason,
            "happened_at_s": experience.happened_at_s,
            "metadata": dict(experience.metadata),
        },
    )


def in_words(experience: Experience) -> str:
    """Return an experience in words, a line each for task, state, plan and outcome; a note as it is."""
    outcome = _outcome_in_words(experience.outcome)
    lines = {
        "Task": experience.task.text,
        "Situation": experience.state,
        "Done": "; ".join(map(str, experience.plan)),
        "Outcome": outcome,
        "Situation afterwards": experience.state_after,
    }
    told = {name: text for name, text in lines.items() if text}
    if list(told) in (["Task"], ["Situation"]):
        return next(iter(told.values()))
    return "\n".join(f"{name}: {text}" for name, text in told.items())


def named_components(scope: Scope) -> JsonObject:
    """Return the components of a scope that are not empty."""
    return {name: text for name in Scope.__dataclass_fields__ if (text := getattr(scope, name))}


def _outcome_in_words(outcome: Outcome) -> str:
    is_judged = outcome.status is not Status.UNVERIFIED
    n = outcome.steps
    steps = f" after {n} step{'' if n == 1 else 's'}" if is_judged and n is not None else ""
    told = f"{outcome.status.value}{steps}" if is_judged else ""
    return f"{told}: {outcome.explanation}" if told and outcome.explanation else told or outcome.explanation
