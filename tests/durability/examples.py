"""Experiences whose whole content follows from their id, so that anybody can say whether one is torn."""

import random
from pathlib import Path

from embodied_mem import Experience, Outcome, Scope, SkillCall, Status
from embodied_mem.embedders.hashed import HashedEmbedder
from embodied_mem.records.codec import experience_to_document
from embodied_mem.records.log import EntryKind, Logged

EMBEDDER = HashedEmbedder(64)
OBJECTS = ("red ball", "blue key", "green box", "grey door", "yellow cup", "wooden shelf")


def experience_id(writer: str, number: int) -> str:
    """The id of the n-th experience of a writer."""
    return f"{writer}-{number:06d}"


def example(identity: str) -> Experience:
    """The experience of this id; most fit in a page of the file, some need many."""
    rng = random.Random(identity)
    thing = rng.choice(OBJECTS)
    n_words = rng.choice((5, 5, 20, 20, 80, 2_000))
    return Experience(
        id=identity,
        task=f"bring the {thing} to room {rng.randint(1, 9)}",
        state=" ".join(rng.choices(OBJECTS, k=n_words)),
        plan=tuple(SkillCall("go", {"to": rng.choice(OBJECTS)}) for _ in range(rng.randint(0, 6))),
        outcome=Outcome(status=rng.choice(list(Status)), steps=rng.randint(1, 99)),
        scope=Scope(agent=identity.rpartition("-")[0], place="kitchen"),
        happened_at_s=float(rng.randint(1, 10**9)),
        metadata={"check": rng.random()},
    )


def is_whole(logged: Logged) -> bool:
    """Whether an entry of the log is exactly what its id says; entries that are no experience are."""
    entry = logged.entry
    if entry.kind != EntryKind.EXPERIENCE:
        return True
    return entry.payload == experience_to_document(example(entry.id)) and len(entry.vectors) == 1


class Acknowledged:
    """A file of lines that one child appends to and that outlives it.

    Args:
        path: The file.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def add(self, *lines: str) -> None:
        """Append lines in one call, so that a kill leaves all of them or none."""
        with self.path.open("ab", buffering=0) as file:
            file.write("".join(f"{line}\n" for line in lines).encode())

    def lines(self) -> list[str]:
        """Every line so far."""
        return self.path.read_text().splitlines() if self.path.exists() else []
