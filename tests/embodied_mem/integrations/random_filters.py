"""Random documents and filters for tests of translations; the same for the same seed."""

import random

from embodied_mem.records.filters import And, Between, Equals, In, Near, Not, Or, Where

# Path -> values that documents hold there, and that filters ask for.
TEXTS = {
    "kind": ["episode", "repair", "note"],
    "task.kind": ["open", "bring", "Bring", ""],
    "scope.place": ["kitchen", "kitchen-2", "it's", 'a "b"', "größe 家 🙂"],
    "metadata.colour": ["red", "green", "1", "true", "null", "%", "_"],
}
NUMBERS = {
    "happened_at_s": [0.0, 1, 2.5, 100.0, 2**53, 2**53 + 1],
    "outcome.reward": [0, 0.1, 0.25, 0.3, 1.0, -1.5],
    "metadata.n": [0, 1, -1, 2, 1e300, 5e-324, 2**63 - 1, -(2**63)],
}
BOOLS = {"metadata.is_lit": [True, False]}
BOUNDS = [None, 0, 0.3, 1, 2, 99.5, -2, float("inf"), -float("inf"), 10**30, -(10**30), 2**63, 2**53 + 1]


class Random:
    """Random documents and filters.

    Args:
        seed: Of the generator.
        share_missing: How often a document lacks a path.
    """

    def __init__(self, seed: int, *, share_missing: float = 0.2) -> None:
        self.rng = random.Random(seed)
        self.share_missing = share_missing

    def document(self) -> dict:
        document: dict = {}
        for path, values in {**TEXTS, **NUMBERS, **BOOLS}.items():
            if self.rng.random() >= self.share_missing:
                *parents, last = path.split(".")
                at = document
                for name in parents:
                    at = at.setdefault(name, {})
                at[last] = self.rng.choice(values)
        return document

    def typed_leaf(self) -> Where:
        """A comparison of a path with values of its own type."""
        path, values = self.rng.choice([*TEXTS.items(), *NUMBERS.items(), *BOOLS.items()])
        if path in NUMBERS and self.rng.random() < 0.5:
            low, high = self.rng.choice(BOUNDS), self.rng.choice(BOUNDS)
            return Between(path, 0 if is_open(low, high) else low, high)
        if self.rng.random() < 0.5:
            return Equals(path, self.rng.choice(values))
        return In(path, tuple(self.rng.choices(values, k=self.rng.randint(0, 3))))

    def tree(self, leaf, *, depth: int = 3) -> Where:
        """A filter of these leaves."""
        if depth and self.rng.random() < 0.5:
            parts = tuple(self.tree(leaf, depth=depth - 1) for _ in range(self.rng.randint(0, 3)))
            trees: list[Where] = [And(parts), Or(parts), Not(And(parts)), Not(Or(parts))]
            return self.rng.choice(trees)
        return leaf()

    def any_leaf(self) -> Where:
        """Any comparison: types mixed, None, places, and paths with a star."""
        path = self.rng.choice(
            [*TEXTS, *NUMBERS, *BOOLS, "metadata.mixed", "metadata.v1\\.2", "facts.objects.*.state",
             "facts.objects.*.holds.*", "facts.*.*", "facts.list.*", "facts.list.*.*", r"facts.list.*.\*"]
        )  # fmt: skip
        values = [value for group in (TEXTS, NUMBERS, BOOLS) for some in group.values() for value in some]
        values += [None, 10**30, 1.5, "sliced", "egg"]
        at = self.rng.choice(["position_m", "facts.objects.*.at_m", "metadata.mixed"])
        center = tuple(self.rng.choice([0.0, 1.0, 2.5]) for _ in range(self.rng.choice([2, 3])))
        leaves: list[Where] = [
            Equals(path, self.rng.choice(values)),
            In(path, tuple(self.rng.choices(values, k=self.rng.randint(0, 4)))),
            Between(path, self.rng.choice(BOUNDS), self.rng.choice(BOUNDS)),
            Near(at, center, self.rng.choice([0.0, 1.2, 1.7, 3.3])),
        ]
        return self.rng.choice(leaves)

    def scene(self) -> dict:
        """A document with facts, a place, and a path that holds anything."""
        rng = self.rng
        document = self.document()
        names = rng.sample(["apple_1", "a b", "v1.2", "ä", "$", "[0]", "*"], rng.randint(0, 4))
        objects = {
            name: {
                "state": rng.choice(["sliced", "open", 1, True, None, "not json {"]),
                "holds": rng.choice([[], ["egg"], ["egg", 1], "egg", {"x": "egg"}]),
                "at_m": [rng.choice([0, 1.0, 2.5]) for _ in range(rng.choice([1, 2, 3]))],
            }
            for name in names
        }
        lists = [[], [1, "red"], [[2, "green"], {"*": "red"}], "red", None]
        if rng.random() < 0.9:
            document["facts"] = {"objects": objects, "list": rng.choice(lists)}
        if rng.random() < 0.7:
            places = [[0.0, 1.0], [1.0, 1.0, 0.0], [1, 2.5], [True, 1], ["1", 1], []]
            document["position_m"] = rng.choice(places)
        mixed = [1, True, None, "1", 1.5, [1], [0.0, 1.0], {"x": 1}, "not json {", 10**18]
        document.setdefault("metadata", {})["mixed"] = rng.choice(mixed)
        document["metadata"]["v1.2"] = rng.choice(mixed)
        return document


def is_open(low, high) -> bool:
    """Whether a range has no bound that excludes a number."""
    return low in (None, -float("inf")) and high in (None, float("inf"))
