"""Looking at a store after a kill: what was acknowledged against what is there."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from embodied_mem import MemoryStore
from embodied_mem.records.log import EntryKind, Search
from tests.durability.examples import is_whole


@dataclass(frozen=True)
class Verdict:
    """What was found.

    Attributes:
        n_acknowledged: How many ids had been acknowledged.
        lost: Acknowledged ids that are not there.
        doubled: Ids that are there more than once.
        torn: Ids whose content is not what was recorded.
        n_unacknowledged: How many are there although the process was killed before it could say so.
        problems: What else is wrong, in words.
    """

    n_acknowledged: int
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    torn: tuple[str, ...]
    n_unacknowledged: int
    problems: tuple[str, ...]

    @property
    def is_kept(self) -> bool:
        """Whether nothing is lost, doubled or wrong, whatever the experiences say."""
        return not (self.lost or self.doubled or self.problems)

    @property
    def is_good(self) -> bool:
        """The same, and every experience is what its id says."""
        return self.is_kept and not self.torn


def verdict(store: Path, acknowledged: Iterable[str], *, may_be_open: Collection[str] = ()) -> Verdict:
    """Open the store as its next user would and compare.

    Args:
        store: The folder.
        acknowledged: Ids that have to be there.
        may_be_open: What of a check may say that something is left to do, such as `purges` after a kill.
    """
    said = set(acknowledged)
    with MemoryStore.open(store) as opened:
        log = list(opened.backend.changes_since(0))
        n_found = opened.backend.search(Search(k=0)).n_candidates
        problems = checked(opened, may_be_open)
    there = Counter(logged.entry.id for logged in log if logged.entry.kind == EntryKind.EXPERIENCE)
    if n_found != len(there):
        problems.append(f"a search finds {n_found} experiences and the log holds {len(there)}")
    return Verdict(
        n_acknowledged=len(said),
        lost=tuple(sorted(said - set(there))),
        doubled=tuple(sorted(identity for identity, n in there.items() if n > 1)),
        torn=tuple(logged.entry.id for logged in log if not is_whole(logged)),
        n_unacknowledged=len(set(there) - said),
        problems=tuple(problems),
    )


def checked(store: MemoryStore, may_be_open: Collection[str] = ()) -> list[str]:
    """What `memory check` finds wrong, SQLite's own check among it."""
    return [
        str(finding)
        for finding in store.check().findings
        if finding.is_open and finding.name not in may_be_open
    ]
