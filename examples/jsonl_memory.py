"""A memory of your own, to copy and change: a file with a line of JSON for each experience and each vote."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from embodied_mem import Experience, Query, Recalled, Receipt
from embodied_mem.errors import ConflictingId, unknown_name
from embodied_mem.records.answers import refuse_unanswerable
from embodied_mem.records.codec import experience_from_document, experience_to_document
from embodied_mem.records.filters import matches


class JsonlMemory:
    """Keeps experiences in a file and recalls those that share words with the question.

    Args:
        path: The file; made when the first experience is recorded.

    Attributes:
        answers: The fields of a query that it looks at; it refuses the others by name and never ignores one.
    """

    answers = frozenset({"text", "task", "state", "where", "min_score", "contrast", "as_of"})

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        text = self.path.read_text("utf-8") if self.path.exists() else ""
        whole, _, torn = text.rpartition("\n")
        if torn:  # the process was killed while it wrote
            self.path.write_text(whole + "\n" if whole else "", "utf-8")
        self._lines: list[dict[str, Any]] = [json.loads(line) for line in whole.splitlines()]
        self._known = {line["id"]: at for at, line in enumerate(self._lines) if "task" in line}

    def record(self, experience: Experience) -> Receipt:
        """Write a line; the same experience again adds none."""
        document = experience_to_document(experience)
        at = self._known.get(experience.id)
        if at is None:
            at = self._known[experience.id] = self._write(document)
            return Receipt(experience.id, at + 1)
        if self._lines[at] != document:
            raise ConflictingId(f"{experience.id!r} is recorded with other content; give it a new id")
        return Receipt(experience.id, at + 1, is_duplicate=True)

    def recall(self, query: Query, /) -> list[Recalled]:
        """Return the best that pass the filter, newer ones first among equals."""
        refuse_unanswerable(query, answers=self.answers, memory="JsonlMemory")
        seen = self._lines[: query.as_of]
        votes = Counter(line["id"] for line in seen if line.get("helped"))
        found = [line for line in reversed(seen) if "task" in line and matches(query.where, line)]
        hits = [_hit(line, query, votes[line["id"]]) for line in found]
        good = [hit for hit in hits if hit.score >= query.min_score]
        return _chosen(sorted(good, key=lambda hit: -hit.score), query)

    def feedback(self, experience_id: str, *, helped: bool) -> None:
        """Write a vote."""
        if experience_id not in self._known:
            raise unknown_name("experience", experience_id, self._known)
        self._write({"id": experience_id, "helped": helped})

    def horizon(self) -> int:
        """The number of lines; a query with this `as_of` sees no later ones (optional: `HasHorizon`)."""
        return len(self._lines)

    def _write(self, line: dict[str, Any]) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self._lines.append(line)
        return len(self._lines) - 1


def _hit(document: dict[str, Any], query: Query, n_helped: int) -> Recalled:
    """The experience with its score, which is the sum of named parts."""
    experience = experience_from_document(document)
    asked = _words(f"{query.text} {query.task.text if query.task else ''} {query.state}")
    shared = asked & _words(f"{experience.task.text} {experience.state}")
    parts = {"words": len(shared) / max(1, len(asked)), "votes": 0.1 * n_helped / (1 + n_helped)}
    return Recalled(experience=experience, score=sum(parts.values()), parts=parts, reason="shares words")


def _words(text: str) -> set[str]:
    return set(text.lower().split())


def _chosen(ranked: list[Recalled], query: Query) -> list[Recalled]:
    """The first k, with up to `contrast` places for the opposite outcome of the best."""
    best = ranked[0].experience.outcome.is_success if ranked else None
    others = [hit for hit in ranked if hit.experience.outcome.is_success is not best][: query.contrast]
    same = [hit for hit in ranked if hit not in others][: max(0, query.k - len(others))]
    return sorted([*same, *others], key=lambda hit: -hit.score)[: query.k]
