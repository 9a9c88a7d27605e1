"""The fixed workload on which memory stores are compared: records, queries, vectors and the exact answers.

Every record is one experience text of about 54 words, with the unit vector of its bag of words: each word is
a 384-d Gaussian drawn from a seed that its CRC-32 gives. Nothing here depends on anything but the numbers
asked for, so two machines measure the same.
"""

import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from embodied_mem.records.spaces import Vector, Vectors

DIMENSION = 384
N_AGENTS = 10
N_TASKS = 50
N_QUERIES = 200
TOP_K = 10
AS_NEAR = 1e-6  # of cosines, which are sums of hundreds of rounded products
QUERY_SEED = 7
ANSWERED_TOGETHER = 20  # queries whose scores are held at once: 80 MB for a million records
KEPT_SHARE = 0.7  # of a record's words, in the query made of it

NOUNS = (  # noqa: SIM905  # forty quoted words would be harder to read
    "oak log plank table pickaxe furnace coal iron apple mug fridge microwave sink knife bread "
    "sofa lamp drawer shelf door torch sheep wool bed water bucket sand glass seed wheat cow "
    "zombie cave river forest desert kitchen bedroom bathroom corridor"
).split()
VERBS = "find collect craft place open close heat cool slice wash carry drop inspect avoid follow".split()  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class BenchRecord:
    """One experience as every store is given it.

    Attributes:
        step: Its number, from 0; unique.
        text: State, task, plan and outcome as one text.
        agent: One of 10 names.
        task: One of 50 names.
        outcome: `success` or `failure`.
    """

    step: int
    text: str
    agent: str
    task: str
    outcome: str


@dataclass(frozen=True, slots=True)
class BenchQuery:
    """One question: a record's text without about 30 % of its words; agent, task and step of that record."""

    text: str
    agent: str
    task: str
    step: int


def make_record(step: int) -> BenchRecord:
    """The record of this number."""
    draw = random.Random(step)
    number = step % N_TASKS
    seen = " ".join(draw.choice(NOUNS) for _ in range(18))
    plan = " ".join(f"{draw.choice(VERBS)} {draw.choice(NOUNS)}" for _ in range(12))
    outcome = "success" if draw.random() < 0.6 else "failure"
    text = (
        f"state sees {seen} task{number} {VERBS[number % len(VERBS)]} {NOUNS[number % len(NOUNS)]} "
        f"plan {plan} outcome {outcome} after {draw.randint(5, 400)} steps id{step}"
    )
    return BenchRecord(step, text, f"agent{step // N_TASKS % N_AGENTS}", f"task{number}", outcome)


def make_records(n: int) -> list[BenchRecord]:
    """The first n records."""
    return [make_record(step) for step in range(n)]


def make_queries(n_records: int, n_queries: int = N_QUERIES) -> list[BenchQuery]:
    """Questions about records drawn from the first `n_records`; always the same ones."""
    draw = random.Random(QUERY_SEED)
    queries = []
    for _ in range(n_queries):
        record = make_record(draw.randrange(n_records))
        words = record.text.split()[:-1]  # without the id, which would give the record away
        text = " ".join(word for word in words if draw.random() < KEPT_SHARE)
        queries.append(BenchQuery(text, record.agent, record.task, record.step))
    return queries


def embed(text: str) -> Vector:
    """(384,) float32 of length 1: the sum of the words' vectors, in order, normalised."""
    total = np.zeros(DIMENSION, dtype=np.float32)
    for word in text.split():
        total += _fresh_vector(word) if word.startswith("id") else _word_vector(word)
    unit: Vector = total / np.linalg.norm(total)
    return unit


def embed_all(texts: Sequence[str]) -> Vectors:
    """(n, 384) float32, one row a text."""
    rows = np.empty((len(texts), DIMENSION), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        row[:] = embed(text)
    return rows


def _fresh_vector(word: str) -> Vector:
    return np.random.default_rng(zlib.crc32(word.encode())).standard_normal(DIMENSION).astype(np.float32)


_word_vector = lru_cache(maxsize=None)(_fresh_vector)  # ids, which are met once, are left out


def exact_answers(
    vectors: Vectors, queries: Vectors, candidates: Sequence[npt.NDArray[np.int64] | None], k: int = TOP_K
) -> list[frozenset[int]]:
    """The k nearest rows of each query among its candidates, and those as near as the last of them.

    As near is what differs by less than 1e-6, twice what the order of a float32 sum was seen to change.

    Args:
        vectors: (n, d) unit vectors.
        queries: (m, d) unit vectors.
        candidates: For each query the rows that pass its filter; None where all do.
        k: How many.
    """
    answers = []
    for first in range(0, len(queries), ANSWERED_TOGETHER):
        together = queries[first : first + ANSWERED_TOGETHER] @ vectors.T
        for scores, rows in zip(together, candidates[first : first + ANSWERED_TOGETHER], strict=True):
            answers.append(_best(scores, np.arange(len(scores)) if rows is None else rows, k))
    return answers


def _best(scores: npt.NDArray[np.float32], among: npt.NDArray[np.int64], k: int) -> frozenset[int]:
    if len(among) > k:
        asked = scores[among]
        among = among[asked > np.partition(asked, -k)[-k] - AS_NEAR]
    return frozenset(among.tolist())


def recall_at_k(found: Sequence[Sequence[int]], truth: Sequence[frozenset[int]], k: int = TOP_K) -> float:
    """Mean share of the true nearest that were found; a query with no answer to find counts as answered.

    Args:
        found: Rows for each query, best first; the first k count.
        truth: What `exact_answers` gives.
        k: How many were asked for.
    """
    shares = [len(t & set(f[:k])) / min(k, len(t)) if t else 1.0 for f, t in zip(found, truth, strict=True)]
    return float(np.mean(shares)) if shares else float("nan")
