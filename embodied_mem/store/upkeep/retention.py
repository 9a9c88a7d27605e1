"""Limits for each kind of experience (count, age, bytes); archive or purge what exceeds them."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, TypedDict, get_args

from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.backends.sqlite.disk import ATTACHMENTS
from embodied_mem.contracts import Forgetting
from embodied_mem.errors import InvalidQuery
from embodied_mem.memory.forgetting.eviction import weakest
from embodied_mem.memory.forgetting.fifo import Fifo
from embodied_mem.memory.views.log_values import EVERY_HIT, LogValues
from embodied_mem.memory.views.view import is_in
from embodied_mem.records.argument_checks import check_callable, check_type
from embodied_mem.records.filters import Equals
from embodied_mem.records.json_values import canonical
from embodied_mem.records.log import Entry, EntryKind, Search
from embodied_mem.store.upkeep.archiving import archive, archived_ids, visible_spans
from embodied_mem.store.upkeep.attached import attached_digests
from embodied_mem.store.upkeep.attachments import AttachmentStore
from embodied_mem.store.upkeep.forget import Unit, policy_of, tell
from embodied_mem.store.upkeep.purge import PurgeReport, purge

Action: TypeAlias = Literal["archive", "purge"]
Limit: TypeAlias = Literal["age", "count", "bytes"]

PAGE = 256  # entries decoded together


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """The limits of one kind of experience.

    Attributes:
        kind: The kind, for example `episode`; each kind has one rule at most.
        max_count: Maximum number, >= 0; None for any number.
        max_age_s: Maximum age by `happened_at_s`, in seconds, >= 0; None for any age.
        max_bytes: Maximum total size, >= 0: payload and texts as UTF-8, vectors, and attachments, each file
            once; None for any size.
    """

    kind: str
    max_count: int | None = None
    max_age_s: float | None = None
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        check_type("kind", self.kind, str, "a text such as 'episode'")
        for name in ("max_count", "max_age_s", "max_bytes"):
            value = getattr(self, name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if value is not None and not (is_number and value >= 0 and not math.isnan(value)):
                raise InvalidQuery(f"{name} of {self.kind!r} is {value!r}; expected at least 0, or None")


@dataclass(frozen=True, slots=True, kw_only=True)
class KindReport:
    """What the rule for one kind found and did.

    Attributes:
        kind: The kind.
        n_before: Number of experiences before.
        bytes_before: Their total size.
        gone: The ids that were archived or purged, in that order.
        because: Id -> the limit that it exceeded.
        bytes_after: Total size of the remaining experiences.
    """

    kind: str
    n_before: int
    bytes_before: int
    gone: tuple[str, ...]
    because: Mapping[str, Limit]
    bytes_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionReport:
    """What the rules did.

    Attributes:
        action: Whether experiences were archived or purged.
        kinds: One report for each rule, in the order of the rules.
        purge: The report of the purge; None if nothing was purged.
    """

    action: Action
    kinds: tuple[KindReport, ...]
    purge: PurgeReport | None = None

    @property
    def gone(self) -> tuple[str, ...]:
        """Every id that a rule archived or purged."""
        return tuple(each for report in self.kinds for each in report.gone)


class RetentionOptions(TypedDict, total=False):
    """The keywords of `apply_retention` besides the rules."""

    policy: Callable[[], Forgetting] | str
    action: Action
    unit: Unit


def apply_retention(
    backend: SqliteBackend,
    path: Path,
    rules: Retention | Iterable[Retention],
    *,
    now_s: float,
    policy: Callable[[], Forgetting] | str = Fifo,
    action: Action = "archive",
    unit: Unit = "episodes",
) -> RetentionReport:
    """Archive or purge experiences that are too old, then the weakest until count and size fit.

    Archiving counts experiences that are neither archived nor withdrawn, and frees no disk space. Purging
    counts all experiences of the store, removes the archived ones first, and also removes what was derived
    from them. The same store, rules and time always give the same result.

    Args:
        backend: The log.
        path: The store's folder.
        rules: One for each kind that has limits.
        now_s: The time from which ages count, and of this call; seconds since the Unix epoch.
        policy: Returns a new policy that gives the order of removal, one for each rule; or a registered name.
        action: `archive`, which `restore` undoes, or `purge`.
        unit: The unit of the times that the policy receives; see `forget`.

    Raises:
        InvalidQuery: Two rules are for one kind, a rule or the policy has the wrong type, the action is
            unknown, or a named policy needs a number of experiences and a rule has no `max_count`.
        StoreError: The store is read-only.
        UnknownName: No policy has this name.
    """
    asked = _checked(rules, action)
    policies = [_policy_for(rule, policy) for rule in asked]
    files = AttachmentStore(path / ATTACHMENTS)
    hidden = _hidden(backend) if action == "archive" else frozenset()
    reports = []
    for rule, its_policy in zip(asked, policies, strict=True):
        items = [item for item in _items(backend, rule.kind) if item.id not in hidden]
        order = _order(backend, rule.kind, its_policy, items, unit=unit)
        reports.append(_applied(rule, items, order, files, now_s=now_s))
    gone = [each for report in reports for each in report.gone]
    purged = None
    if action == "archive":
        for report in reports:
            archive(backend, report.gone, reason=f"beyond the limits of {report.kind}", at_s=now_s)
    elif gone:
        purged = purge(backend, path, gone, at_s=now_s)
    return RetentionReport(action=action, kinds=tuple(reports), purge=purged)


def _policy_for(rule: Retention, policy: Callable[[], Forgetting] | str) -> Forgetting:
    if isinstance(policy, str):
        return policy_of(policy, rule.max_count)
    how = "a registered name such as 'lru', or a factory such as the class embodied_mem.memory.forgetting.Lru"
    made: Forgetting = check_callable("policy", policy, how)()
    return made


@dataclass(frozen=True, slots=True)
class _Item:
    """One experience and its size."""

    id: str
    happened_at_s: float | None
    own_bytes: int
    digests: frozenset[str]


class _Size:
    """Total size of some experiences; a file to which several refer counts once."""

    def __init__(self, items: Iterable[_Item], files: AttachmentStore) -> None:
        self._files = files
        self._n_referring: Counter[str] = Counter()
        self.n_bytes = 0
        for item in items:
            self._add(item)

    def _add(self, item: _Item) -> None:
        self.n_bytes += item.own_bytes
        for digest in item.digests:
            self.n_bytes += 0 if self._n_referring[digest] else self._files.size_bytes(digest)
            self._n_referring[digest] += 1

    def remove(self, item: _Item) -> None:
        """Subtract one of them."""
        self.n_bytes -= item.own_bytes
        for digest in item.digests:
            self._n_referring[digest] -= 1
            self.n_bytes -= 0 if self._n_referring[digest] else self._files.size_bytes(digest)


def _applied(
    rule: Retention, items: Sequence[_Item], order: Sequence[_Item], files: AttachmentStore, *, now_s: float
) -> KindReport:
    """Apply one rule: first the experiences that are too old, then the first ones in the order."""
    size = _Size(items, files)
    bytes_before = size.n_bytes
    because: dict[str, Limit] = {}
    if rule.max_age_s is not None:
        for item in items:
            if item.happened_at_s is not None and now_s - item.happened_at_s > rule.max_age_s:
                because[item.id] = "age"
                size.remove(item)
    for item in order:
        if item.id in because:
            continue
        if rule.max_count is not None and len(items) - len(because) > rule.max_count:
            because[item.id] = "count"
        elif rule.max_bytes is not None and size.n_bytes > rule.max_bytes:
            because[item.id] = "bytes"
        else:
            break
        size.remove(item)
    return KindReport(
        kind=rule.kind,
        n_before=len(items),
        bytes_before=bytes_before,
        gone=tuple(because),
        because=because,
        bytes_after=size.n_bytes,
    )


def _order(
    backend: SqliteBackend, kind: str, policy: Forgetting, items: Sequence[_Item], *, unit: Unit
) -> list[_Item]:
    """The order of removal: archived and withdrawn ones, oldest first, then by the policy, weakest first."""
    end = tell(backend, policy, where=Equals("kind", kind), unit=unit)
    remembered = policy.retention(at=end)
    by_id = {item.id: item for item in items}
    unseen = [item for item in items if item.id not in remembered]
    known = (each for each in weakest(policy, at=end, n=len(remembered)) if each in by_id)
    return [*unseen, *(by_id[each] for each in known)]


def _items(backend: SqliteBackend, kind: str) -> Iterator[_Item]:
    """Every experience of a kind, in the order of writing."""
    search = Search(kind=EntryKind.EXPERIENCE, where=Equals("kind", kind), k=EVERY_HIT)
    sequences = sorted(backend.search(search).sequences)
    for start in range(0, len(sequences), PAGE):
        for logged in backend.get(sequences[start : start + PAGE]):
            if logged is not None:
                yield _item(logged.entry)


def _item(entry: Entry) -> _Item:
    texts = canonical(entry.payload), *entry.texts.values()
    own_bytes = sum(len(text.encode()) for text in texts) + sum(v.values.nbytes for v in entry.vectors)
    time_s = entry.payload.get("happened_at_s")
    return _Item(
        id=entry.id,
        happened_at_s=float(time_s) if isinstance(time_s, int | float) else None,
        own_bytes=own_bytes,
        digests=frozenset(attached_digests([entry])),
    )


def _hidden(backend: SqliteBackend) -> frozenset[str]:
    """The ids of archived or withdrawn experiences."""
    spans = visible_spans(backend)
    rows = LogValues(backend).after(0, (EntryKind.EXPERIENCE,), ("id",))
    withdrawn = (str(values["id"]) for sequence, _, values in rows if not is_in(sequence, spans))
    return frozenset([*archived_ids(backend), *withdrawn])


def _checked(rules: Retention | Iterable[Retention], action: str) -> tuple[Retention, ...]:
    asked = tuple(rules) if isinstance(rules, Iterable) and not isinstance(rules, str) else (rules,)
    for rule in asked:
        check_type("a rule", rule, Retention, "Retention(kind='episode', max_count=100), or a list of them")
    kinds = Counter(rule.kind for rule in asked)
    doubled = [kind for kind, n in kinds.items() if n > 1]
    if doubled:
        raise InvalidQuery(f"{', '.join(doubled)} has more than one rule; put its limits into one")
    if action not in get_args(Action):
        raise InvalidQuery(f"action is {action!r}; expected one of {', '.join(get_args(Action))}")
    return asked
