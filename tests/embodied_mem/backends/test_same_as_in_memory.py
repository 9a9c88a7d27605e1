"""`SqliteBackend` gives what the plain `InMemoryBackend` gives: equal entries, order and scores, to the bit.

Random experiences and random events of a log go into both, and random questions are asked of both in between.
"""

import math
import random

import numpy as np
import pytest

from embodied_mem import (
    Experience,
    ExperienceMemory,
    FieldVector,
    HashedEmbedder,
    IndexOptions,
    Metric,
    Outcome,
    Query,
    RankingWeights,
    Scope,
    SkillCall,
    Space,
    Task,
)
from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import UnknownName
from embodied_mem.records.filters import EVERYTHING, And, Between, Equals, In, Near, Not, Or
from embodied_mem.records.log import Entry, EntryKind, PriorLeg, Search, Span, TextLeg, VectorLeg

WORDS = [
    "go",
    "to",
    "open",
    "the",
    "red",
    "blue",
    "ball",
    "key",
    "door",
    "fridge",
    "couch",
    "sofa",
    "kitchen",
]
SENTENCES = [
    "",
    "Öffne die rote Tür",
    "ouvre la porte du réfrigérateur",
    "открой красную дверь",
    "赤いドアを開ける",
    "打开红色的门",
    "افتح الباب الأحمر",
    "빨간 문을 열어",
    "เปิดประตูสีแดง",
    "KIRMIZI KAPIYI aç",
]
STATUSES = ["success", "failure", "timeout", "truncated", "cancelled", "unverified"]
SCENE = Space(name="scene", version="1", dimension=12)
SHAPE = Space(name="shape", version="1", dimension=3, metric=Metric.EUCLIDEAN)
COMPRESSED = IndexOptions(compression="always")


class House:
    """Random things to record and to ask; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.scenes: list[FieldVector] = []
        self.ids: list[str] = []

    def often(self, share: float) -> bool:
        return self.rng.random() < share

    def text(self) -> str:
        if self.often(0.3):
            return self.rng.choice(SENTENCES)
        some = self.rng.choices(WORDS, k=self.rng.randint(1, 6))
        if self.often(0.3):  # a word that nobody knows, or one that is misspelt in one of many ways
            at = self.rng.randint(1, 6)
            some.append(self.rng.choice(["9", "xylophone", "kitchen"[:at] + "kitchen"[at - 1 :]]))
        return " ".join(some)

    def scene(self) -> FieldVector:
        """A view: a new one, one of the first few again, one more or less like that, or nothing at all."""
        numbers = np.random.default_rng(self.rng.getrandbits(32))
        if self.scenes and self.often(0.5):
            values = self.rng.choice(self.scenes[:6]).values
            noise = self.rng.choice([0.0, 1e-3, 1e-3, 0.3])  # 1e-3 is less than what compression loses
            return self._kept(values + noise * numbers.normal(size=SCENE.dimension))
        return self._kept(numbers.normal(size=SCENE.dimension) * self.rng.choice([0.0, 1.0, 1.0, 1.0]))

    def _kept(self, values) -> FieldVector:
        self.scenes.append(FieldVector(field="scene", space=SCENE, values=values))
        return self.scenes[-1]

    def shape(self) -> FieldVector:
        values = np.array([self.rng.randint(-1, 1) for _ in range(SHAPE.dimension)])
        return FieldVector(field="shape", space=SHAPE, values=values)

    def vectors(self) -> tuple[FieldVector, ...]:
        return (
            *([self.scene()] if self.often(0.8) else []),
            *([self.shape()] if self.often(0.4) else []),
        )

    def experience(self) -> Experience:
        rng = self.rng
        made = Experience(
            id=f"e{len(self.ids)}",
            kind=rng.choice(["episode", "repair", "note"]),
            task=Task(self.text(), kind=rng.choice(["", "open", "carry"]), instance=f"i{rng.randint(0, 3)}"),
            state=self.text(),
            plan=(SkillCall(rng.choice(["open", "go"]), {"object": rng.choice(WORDS)}),),
            outcome=Outcome(
                status=rng.choice(STATUSES), reward=rng.choice([None, 0.0, 0.5]), explanation=self.text()
            ),
            scope=Scope(agent=rng.choice(["", "a", "a1"]), place=rng.choice(["", "hall"])),
            happened_at_s=rng.choice([None, float(rng.randint(0, 20)), 1_000.0 * rng.random()]),
            metadata=rng.choice([{}, {"n": rng.choice([1, 1.0, True, "1", None, [1]])}]),
            position_m=rng.choice([None, (float(rng.randint(0, 3)), 0.0)]),
            recalled=tuple(rng.sample(self.ids, min(len(self.ids), rng.randint(0, 2)))),
            vectors=self.vectors(),
        )
        self.ids.append(made.id)
        return made

    def where(self, depth: int = 0):
        rng = self.rng
        if depth < 2 and self.often(0.3):
            parts = tuple(self.where(depth + 1) for _ in range(rng.randint(0, 3)))
            return rng.choice([And(parts), Or(parts), Not(Or(parts))])
        some_ids = tuple(rng.sample(self.ids, min(len(self.ids), rng.randint(0, 9))))
        return rng.choice(
            [
                Equals("outcome.status", rng.choice(STATUSES)),
                Equals("metadata.n", rng.choice([1, True, None, "1"])),
                In("scope.agent", ("a", "")),
                In("id", some_ids),
                Between("happened_at_s", rng.randint(0, 10), rng.choice([None, 500, rng.randint(10, 20)])),
                Near("position_m", (1.0, 0.0), rng.choice([0.0, 1.0])),
                Not(Equals("task.kind", "open")),
            ]
        )

    def query(self, horizon: int) -> Query:
        rng = self.rng
        order = rng.choice(["best"] * 4 + ["first", "last"])
        is_best = order == "best"
        k = rng.choice([0, 1, 3, 10, 1_000])
        asked = {
            "text": self.text() if self.often(0.5) else "",
            "task": Task(self.text()) if self.often(0.5) else None,
            "state": self.text() if self.often(0.3) else "",
        }
        vectors = self.vectors() if self.often(0.5) else ()
        names = [*asked, *(vector.field for vector in vectors)]
        minimums = {name: rng.choice([-0.2, 0.0, 0.1, 0.9]) for name in names if self.often(0.3)}
        return Query(
            **asked,
            vectors=vectors,
            min_similarity=minimums if self.often(0.4) else None,
            where=self.where() if self.often(0.5) else EVERYTHING,
            k=k,
            min_score=rng.choice([-math.inf, 0.0, 0.3, 1.0]),
            contrast=rng.choice([0, 0, 1, 2]) if is_best else 0,
            as_of=rng.randint(0, horizon) if self.often(0.3) else None,
            order=order,
            diversity=rng.choice([0.0, 0.0, 0.5, 1.0]) if is_best and k < 1_000 else 0.0,
            distinct=self.often(0.2),
            include_archived=self.often(0.2),
        )

    def search(self, horizon: int) -> Search:
        rng = self.rng
        some = np.array(sorted(rng.sample(range(1, horizon + 9), horizon // 2)), np.int64)
        values = np.array([rng.uniform(-1, 1) for _ in some])
        legs = (
            TextLeg("t", self.text(), ("task",), rng.choice([0.0, 0.7, 1.0]), self.minimum()),
            TextLeg("u", self.text(), ("state", "outcome", "nobody's"), 0.3),
            VectorLeg(
                "v", self.scene(), rng.choice([0.4, 1.0]), self.minimum(), rng.choice([0.0, -math.inf])
            ),
            VectorLeg("w", self.shape(), 0.5),
            PriorLeg("p", some, values, rng.choice([0.2, 1.0])),
        )
        firsts = [rng.randint(1, horizon) for _ in range(rng.randint(0, 3))]
        return Search(
            legs=tuple(rng.sample(legs, rng.randint(0, len(legs)))),
            where=self.where() if self.often(0.5) else EVERYTHING,
            spans=tuple(Span(first, rng.choice([None, first + rng.randint(-1, 60)])) for first in firsts)
            or (Span(),),
            kind=rng.choice([None, EntryKind.EXPERIENCE, "remark", EntryKind.FEEDBACK]),
            k=rng.choice([0, 1, 5, 1_000]),
            without=some[: horizon // 3] if self.often(0.4) else None,
        )

    def minimum(self) -> float:
        return self.rng.choice([-math.inf] * 6 + [0.0, 0.2, self.rng.uniform(-1, 1)])

    def looks(self) -> np.ndarray:
        """Views to be asked for at once."""
        n = self.rng.choice([0, 1, 4])
        return np.array([self.scene().values for _ in range(n)]).reshape(n, SCENE.dimension)

    def look(self) -> Search:
        """The best few in a crowd of views that hardly differ."""
        floor = self.rng.choice([0.0, -math.inf])
        leg = VectorLeg("v", self.scene(), minimum=self.minimum(), floor=floor)
        where = self.where() if self.often(0.3) else EVERYTHING
        return Search(legs=(leg,), where=where, k=self.rng.choice([1, 2, 5]))

    def weights(self) -> RankingWeights:
        names = ("recency", "outcome", "surprise", "utility", "trust", "state")
        return RankingWeights(**{name: self.rng.choice([0.0, 0.25, 0.6]) for name in names})


class Both:
    """A memory in SQLite and one in a list, told and asked the same."""

    def __init__(self, house: House, fast: SqliteBackend) -> None:
        self.house = house
        self.fast, self.plain = fast, InMemoryBackend()
        embedder = HashedEmbedder(32) if house.often(0.3) else None
        weights = house.weights()
        self.memories = [
            ExperienceMemory(backend, embedder=embedder, weights=weights, clock=lambda: 800.0)
            for backend in (self.fast, self.plain)
        ]

    def live(self, n_experiences: int) -> None:
        for _ in range(n_experiences):
            self._record()
            self._do_something_else()
        if self.house.often(0.1):  # what is searched then comes from the disk
            self.fast.save_index()
            self.fast.reopen()

    def compare(self) -> None:
        """Ask both memories a question and for many views at once, and both back ends two others."""
        query = self.house.query(self.horizon())
        fast, plain = (memory.recall(query) for memory in self.memories)
        assert [hit.experience.id for hit in fast] == [hit.experience.id for hit in plain], query
        assert [hit.score for hit in fast] == [hit.score for hit in plain], query  # to the bit
        assert fast == plain, query  # parts, reasons and experiences as well
        assert (fast.n_candidates, fast.is_exact) == (plain.n_candidates, plain.is_exact), query
        looks = {"vectors": self.house.looks(), "field": "scene", "space": SCENE, "where": query.where}
        ids, scores = self.fast_and_plain(looks, k=min(query.k, 10), as_of=query.as_of)
        assert ids[0] == ids[1], looks
        assert scores[0].tolist() == scores[1].tolist(), looks
        for search in (self.house.search(self.horizon()), self.house.look()):
            assert self.fast.search(search) == self.plain.search(search), search

    def fast_and_plain(self, looks, **more):
        """Return the ids of both memories, and their scores."""
        return zip(*(memory.recall_many(**looks, **more) for memory in self.memories), strict=True)

    def horizon(self) -> int:
        first, second = (memory.horizon() for memory in self.memories)
        assert first == second
        return first

    def _record(self) -> None:
        experience = self.house.experience()
        first, second = (memory.record(experience) for memory in self.memories)
        assert first == second

    def _do_something_else(self) -> None:
        house = self.house
        some_id = house.rng.choice(house.ids)
        if house.often(0.2):
            helped = house.often(0.6)
            outcomes = [_feedback(memory, some_id, helped) for memory in self.memories]
            assert outcomes[0] == outcomes[1]
        if house.often(0.1):
            kind = house.rng.choice([EntryKind.ARCHIVE, EntryKind.ARCHIVE, EntryKind.RESTORE])
            self._append(kind, {"experience_id": some_id, "reason": "", "at_s": 1.0})
        if house.often(0.1):  # an entry of another kind, with some of the texts and vectors alone
            texts = {name: house.text() for name in ("task", "state") if house.often(0.5)}
            self._append("remark", {"outcome": {"status": "success"}}, texts=texts, vectors=house.vectors())
        if house.often(0.02):
            after = max(0, self.horizon() - house.rng.randint(0, 6))
            for memory in self.memories:
                memory.withdraw(after)

    def _append(self, kind: str, payload, **more) -> None:
        entry = Entry(id=f"x{self.horizon()}", kind=kind, payload=payload, **more)
        assert self.fast.append([entry]) == self.plain.append([entry])


def _feedback(memory: ExperienceMemory, experience_id: str, helped: bool) -> str:
    try:
        memory.feedback(experience_id, helped=helped)
    except UnknownName as error:  # it was withdrawn
        return str(error)
    return ""


def compare(path, seed: int, options: IndexOptions, n_before: int, n_rounds: int) -> None:
    """Twelve comparisons a round, and a few more experiences before each round."""
    with SqliteBackend(path / "log.sqlite", index=options) as fast:
        both = Both(House(seed), fast)
        both.live(n_before)
        for _ in range(n_rounds):
            both.live(5)
            for _ in range(4):
                both.compare()
        fast.search(Search(legs=(VectorLeg("v", both.house.scene()),)))
        kept = fast.index_report()[EntryKind.EXPERIENCE]["vectors"]["scene"]["kept"]
        assert kept == ("compressed" if options is COMPRESSED else "exact")


@pytest.mark.parametrize("seed", range(7))
def test_both_give_the_same(tmp_path, seed):
    compare(tmp_path, seed, IndexOptions(), n_before=5, n_rounds=10)


def test_both_give_the_same_where_vectors_are_compressed(tmp_path):
    compare(tmp_path, 100, COMPRESSED, n_before=330, n_rounds=6)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(1_000, 1_040))
def test_both_give_the_same_thousands_of_times(tmp_path, seed):
    compare(tmp_path, seed, IndexOptions(), n_before=5, n_rounds=30)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(1_000, 1_040))
def test_both_give_the_same_thousands_of_times_where_vectors_are_compressed(tmp_path, seed):
    compare(tmp_path, seed, COMPRESSED, n_before=330, n_rounds=15)
