"""A memory of one's own: one file, one line an experience, recalled by shared words."""

import json
from pathlib import Path

from embodied_mem.errors import ConflictingId, unknown_name
from embodied_mem.records import Experience, Recalled, Receipt
from embodied_mem.records.answers import refuse_unanswerable
from embodied_mem.records.codec import experience_from_document, experience_to_document
from embodied_mem.records.filters import matches
from embodied_mem.records.queries import Query


class Notebook:
    """Keeps experiences in `notebook.jsonl`; slow for many, as it looks at every one.

    Args:
        path: Its folder; made if absent.
        seed: Not needed: this memory leaves nothing to chance.

    Attributes:
        answers: The fields of a query that it looks at; it rejects the others.
    """

    answers = frozenset({"text", "task", "where", "min_score", "as_of"})

    def __init__(self, path: Path, *, seed: int) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._file = path / "notebook.jsonl"
        lines = self._file.read_text("utf-8").splitlines() if self._file.exists() else []
        self._documents = [json.loads(line) for line in lines]

    def record(self, experience: Experience) -> Receipt:
        """Write a line, once for each id."""
        document = experience_to_document(experience)
        numbers = {known["id"]: number for number, known in enumerate(self._documents, 1)}
        if experience.id in numbers:
            if self._documents[numbers[experience.id] - 1] != document:
                raise ConflictingId(f"{experience.id!r} is in the notebook with other content")
            return Receipt(experience.id, numbers[experience.id], is_duplicate=True)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(document) + "\n")
        self._documents.append(document)
        return Receipt(experience.id, len(self._documents))

    def recall(self, query: Query, /) -> list[Recalled]:
        """Experiences that share most words with the question; successes and then newer ones first."""
        refuse_unanswerable(query, answers=self.answers, memory="the notebook")
        seen = self._documents[: query.as_of]
        hits = [_hit(document, query) for document in reversed(seen) if matches(query.where, document)]
        wanted = [hit for hit in hits if hit.score >= query.min_score]
        return sorted(wanted, key=lambda hit: -hit.score)[: query.k]

    def feedback(self, experience_id: str, *, helped: bool) -> None:
        """Nothing is learnt from feedback, but it has to be about something that was recorded."""
        known = [document["id"] for document in self._documents]
        if experience_id not in known:
            raise unknown_name("experience", experience_id, known)

    def horizon(self) -> int:
        """How many lines there are: the log number that later lines exceed."""
        return len(self._documents)


def _hit(document: dict, query: Query) -> Recalled:
    experience = experience_from_document(document)
    asked = set(f"{query.text} {query.task.text if query.task else ''}".lower().split())
    found = set(experience.task.text.lower().split())
    parts = {
        "words": len(asked & found) / max(1, len(asked | found)),
        "success": 0.1 * experience.outcome.is_success,
    }
    return Recalled(experience=experience, score=sum(parts.values()), parts=parts, reason="shares words")
