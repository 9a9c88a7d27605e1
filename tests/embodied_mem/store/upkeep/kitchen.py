"""A small store in a folder, with a clock that counts up, and short ways to write into it."""

import itertools
from types import SimpleNamespace

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.records import Experience, Outcome, Status, Task


class Kitchen:
    """A folder with a log, a memory in it, and short ways to write into it."""

    def __init__(self, folder, **options):
        self.path = folder
        self.backend = SqliteBackend(folder / "experiences.sqlite", busy_timeout_s=1.0, **options)
        ticks = itertools.count(1_000)
        self.clock = lambda: float(next(ticks))
        self.memory = ExperienceMemory(self.backend, clock=self.clock, embedder=None)

    def record(self, name, *, fails=False, **changes):
        """Record an experience; its id is its name."""
        values = {
            "id": name,
            "task": Task("bring the cup", kind="Bring-v0"),
            "outcome": Outcome(status=Status.FAILURE if fails else Status.SUCCESS),
        }
        self.memory.record(Experience(**{**values, **changes}))
        return name

    def ids(self):
        """The ids of every experience in the log."""
        return [e.entry.id for e in self.backend.changes_since(0) if e.entry.kind == "experience"]

    def kinds(self):
        """How many entries of each kind."""
        kinds = [e.entry.kind for e in self.backend.changes_since(0)]
        return SimpleNamespace(**{kind: kinds.count(kind) for kind in dict.fromkeys(kinds)})
