"""The retrieval-quality set: texts, queries, which texts answer a query, and the halves of the queries."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from importlib.resources import files
from typing import Any, Literal, TypeAlias

Half: TypeAlias = Literal["tuning", "held_out"]
HALVES: tuple[Half, ...] = ("tuning", "held_out")
SETS = {
    "paraphrases": (("paraphrases",), "paraphrase_queries"),
    "experiences": (("experiences", "notes"), "queries"),
}


@dataclass(frozen=True, slots=True)
class Text:
    """What is searched: the three texts of an experience."""

    id: str
    task: str
    state: str
    outcome: str

    @property
    def together(self) -> str:
        """All of it as one text, for methods that know no fields."""
        return "\n".join(part for part in (self.task, self.state, self.outcome) if part)


@dataclass(frozen=True, slots=True)
class Asked:
    """A query and the ids of every text that answers it."""

    id: str
    text: str
    relevant: frozenset[str]

    @property
    def half(self) -> Half:
        """The half, by a fixed hash of the text, so that new queries do not move others."""
        digest = blake2b(self.text.encode(), digest_size=8).digest()
        return HALVES[int.from_bytes(digest, "big") % 2]


def load_texts(name: str) -> list[Text]:
    """The texts of a set, in the order in which they were made."""
    rows = (row for file in SETS[name][0] for row in _rows(file))
    return [Text(row["id"], row["task"], row["state"], row["outcome"]) for row in rows]


def load_queries(name: str) -> list[Asked]:
    """The queries of a set; each has an answer."""
    texts = load_texts(name)
    return [Asked(row["id"], row["text"], _relevant(row["relevant"], texts)) for row in _rows(SETS[name][1])]


def _relevant(rule: Mapping[str, Any], texts: list[Text]) -> frozenset[str]:
    [(field, wanted)] = rule.items()
    if field == "ids":
        return frozenset(wanted)
    # A task is named as a whole; of states and outcomes a part.
    matches = re.compile(wanted).fullmatch if field == "task" else re.compile(wanted).search
    return frozenset(text.id for text in texts if matches(getattr(text, field)))


def _rows(name: str) -> Iterator[dict[str, Any]]:
    file = files("benchmarks") / "data" / f"{name}.jsonl"
    return map(json.loads, file.read_text(encoding="utf-8").splitlines())
