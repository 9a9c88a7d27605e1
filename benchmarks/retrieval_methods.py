"""The methods of the retrieval benchmark: ours, and lexical and hashed baselines."""

import math
import re
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from benchmarks.retrieval_set import Text
from embodied_mem import Experience, MemoryStore, Outcome, Task
from embodied_mem.contracts import Embedder
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.embedders.minilm import MiniLMEmbedder
from embodied_mem.text.lexical import LexicalIndex
from embodied_mem.text.synonyms import NO_SYNONYMS, Synonyms, default_synonyms
from embodied_mem.text.words import words

DEPTH = 10  # ranks that are evaluated
K1, B = 1.5, 0.75  # of the plain BM25

Ranking: TypeAlias = list[str]  # ids, best first
Scores: TypeAlias = npt.NDArray[np.float64]  # (queries, texts); 0 or less: not found
Scorer: TypeAlias = Callable[[Sequence[str], Sequence[str]], Scores]
Method: TypeAlias = Callable[[Sequence[Text], Sequence[str]], list[Ranking]]


def ours(
    texts: Sequence[Text],
    queries: Sequence[str],
    synonyms: Synonyms | None = None,
    embedder: Embedder[str] | None = None,
) -> list[Ranking]:
    """`memory.recall(text)`, by default with no embedder: the whole path of a user, from a store on disk."""
    with (
        tempfile.TemporaryDirectory() as folder,
        MemoryStore.open(folder, synonyms=synonyms) as store,
    ):
        memory = store.memory(embedder=embedder)
        for text in texts:
            outcome = Outcome(explanation=text.outcome)
            memory.record(Experience(id=text.id, task=Task(text.task), state=text.state, outcome=outcome))
        found = [memory.recall(query, k=DEPTH) for query in queries]
        return [[hit.experience.id for hit in hits if hit.score > 0] for hits in found]


def without_synonyms(texts: Sequence[Text], queries: Sequence[str]) -> list[Ranking]:
    """`ours` without synonyms."""
    return ours(texts, queries, NO_SYNONYMS)


def ours_with_hashed(texts: Sequence[Text], queries: Sequence[str]) -> list[Ranking]:
    """`ours` with hashed vectors beside the words, at the weight that a recall gives them."""
    return ours(texts, queries, embedder=HashedEmbedder())


def ours_with_minilm(texts: Sequence[Text], queries: Sequence[str]) -> list[Ranking]:
    """`ours` with MiniLM's vectors beside the words, at the weight that a recall gives them."""
    return ours(texts, queries, embedder=MiniLMEmbedder())


def plain_words(text: str) -> list[str]:
    """Return the lower-case words without stemming."""
    return re.findall(r"\w+", text.lower())


def our_words(text: str) -> list[str]:
    """The words that ours compares, stems and synonyms included."""
    return default_synonyms().apply(words(text))


def letter_groups(text: str) -> list[str]:
    """Return the distinct letter triples of each word."""
    found = (word[at : at + 3] for word in plain_words(text) for at in range(len(word) - 2))
    return list(dict.fromkeys(found))


TERMS = {"letters": letter_groups, "words": plain_words, "as they stand": plain_words, "ours": our_words}


def _fts5(tokenizer: str, terms: str, texts: Sequence[str], queries: Sequence[str]) -> Scores:
    """SQLite's full-text index, any of the query's terms, by its own bm25."""
    db = sqlite3.connect(":memory:")
    db.execute(f"CREATE VIRTUAL TABLE texts USING fts5(text, tokenize='{tokenizer}')")
    db.executemany("INSERT INTO texts (rowid, text) VALUES (?, ?)", enumerate(texts))
    scores = np.zeros((len(queries), len(texts)))
    for row, query in zip(scores, queries, strict=True):
        match = " OR ".join(f'"{term}"' for term in TERMS[terms](query))
        found = (
            db.execute("SELECT rowid, -bm25(texts) FROM texts WHERE texts MATCH ?", (match,)) if match else ()
        )
        for at, score in found:
            row[at] = score
    db.close()
    return scores


def _bm25(terms: str, texts: Sequence[str], queries: Sequence[str]) -> Scores:
    """Okapi BM25 (k1 = 1.5, b = 0.75)."""
    counts = [Counter(TERMS[terms](text)) for text in texts]
    lengths = np.array([count.total() for count in counts], dtype=np.float64)
    frequency = Counter(term for count in counts for term in count)
    damping = K1 * (1 - B + B * lengths / max(lengths.mean(), 1e-9))
    scores = np.zeros((len(queries), len(texts)))
    for row, query in zip(scores, queries, strict=True):
        for term in TERMS[terms](query):
            held = np.array([count[term] for count in counts], dtype=np.float64)
            rarity = math.log(1 + (len(texts) - frequency[term] + 0.5) / (frequency[term] + 0.5))
            row += rarity * held * (K1 + 1) / (held + damping)
    return scores


def hashed_scores(texts: Sequence[str], queries: Sequence[str]) -> Scores:
    """The cosine of `HashedEmbedder` alone."""
    embedder = HashedEmbedder()
    return (embedder.embed(queries) @ embedder.embed(texts).T).astype(np.float64)


def minilm_scores(texts: Sequence[str], queries: Sequence[str]) -> Scores:
    """The cosine of `MiniLMEmbedder` alone; a text that is empty is found by nothing."""
    embedder = MiniLMEmbedder()
    distinct = {text: row for row, text in enumerate(dict.fromkeys(text for text in texts if text.strip()))}
    cosines = (embedder.embed(queries) @ embedder.embed(list(distinct)).T).astype(np.float64)
    with_zero = np.pad(cosines, ((0, 0), (0, 1)))  # the last column is that of an empty text
    scores: Scores = with_zero[:, [distinct.get(text, -1) for text in texts]]
    return scores


def by_field(score: Scorer) -> Method:
    """Score task, state and outcome separately, and take the best, as ours does."""

    def method(texts: Sequence[Text], queries: Sequence[str]) -> list[Ranking]:
        fields = [[getattr(text, name) for text in texts] for name in ("task", "state", "outcome")]
        scores = np.max([score(field, queries) for field in fields], axis=0)
        return [_best(texts, row) for row in scores]

    return method


def in_one_text(score: Scorer) -> Method:
    """The method that searches all of an experience as one text."""

    def method(texts: Sequence[Text], queries: Sequence[str]) -> list[Ranking]:
        return [_best(texts, row) for row in score([text.together for text in texts], queries)]

    return method


def ours_scores(texts: Sequence[str], queries: Sequence[str]) -> Scores:
    """Our similarity alone, without a store and its fields."""
    index = LexicalIndex(default_synonyms())
    for text in texts:
        index.add(text)
    return np.array([index.similarities(query) for query in queries])


RIVALS: dict[str, Scorer] = {
    "FTS5 trigram": partial(_fts5, "trigram", "letters"),
    "FTS5 porter": partial(_fts5, "porter unicode61", "words"),
    "BM25": partial(_bm25, "as they stand"),
    "BM25 over our words": partial(_bm25, "ours"),
    "hashed embedding": hashed_scores,
}
METHODS: dict[str, Method] = {
    "ours": ours,
    "ours without synonyms": without_synonyms,
    "ours in one text": in_one_text(ours_scores),
    **{name: in_one_text(score) for name, score in RIVALS.items()},
    **{f"{name} by field": by_field(score) for name, score in RIVALS.items()},
}

# These need the extra `embed`, and are measured only when they are named.
MODEL_METHODS: dict[str, Method] = {
    "ours with hashed": ours_with_hashed,
    "ours with MiniLM": ours_with_minilm,
    "MiniLM in one text": in_one_text(minilm_scores),
    "MiniLM by field": by_field(minilm_scores),
}


def _best(texts: Sequence[Text], scores: Scores) -> Ranking:
    order = np.lexsort((-np.arange(len(scores)), -scores))[:DEPTH]  # ties: newest first, as in ours
    return [texts[row].id for row in order.tolist() if scores[row] > 0]
