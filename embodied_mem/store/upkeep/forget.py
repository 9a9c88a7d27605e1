"""Forgetting in a store: replay the log to a policy, and archive the experiences that it retains least."""

import inspect
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypedDict, cast, get_args

from embodied_mem import registry
from embodied_mem.backends.sqlite.backend import SqliteBackend
from embodied_mem.contracts import Forgetting
from embodied_mem.errors import InvalidQuery
from embodied_mem.memory.forgetting.eviction import below_threshold, weakest
from embodied_mem.memory.views.log_values import EVERY_HIT, LogValues, texts_in
from embodied_mem.memory.views.surprise import Surprise
from embodied_mem.memory.views.view import Follower, gaps_between, is_in
from embodied_mem.records.argument_checks import check_number, check_policy
from embodied_mem.records.experience import FAILED, Kind
from embodied_mem.records.filters import EVERYTHING, Equals, Where, all_of, check_where
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.log import ABOUT_ONE, EntryKind, Search, Span
from embodied_mem.records.remembered import Remembered
from embodied_mem.store.upkeep.archiving import archive, visible_spans

Unit: TypeAlias = Literal["episodes", "entries", "seconds"]

_KINDS = (EntryKind.EXPERIENCE, *ABOUT_ONE)
_PATHS = ("id", "kind", "outcome.status", "happened_at_s", "recalled", "experience_id", "helped", "at_s")


class ForgetOptions(TypedDict, total=False):
    """The keywords of `forget` besides the policy and `keep`."""

    below: float | None
    kind: str | None
    where: Where
    unit: Unit
    now: float | None
    reason: str


def forget(
    backend: SqliteBackend,
    policy: Forgetting | str,
    *,
    keep: int | None = None,
    below: float | None = None,
    kind: str | None = None,
    where: Where = EVERYTHING,
    unit: Unit = "episodes",
    now: float | None = None,
    at_s: float,
    reason: str = "",
) -> list[str]:
    """Archive the experiences that a policy retains least; nothing is removed permanently.

    The policy receives the log from its beginning in the order of writing, so the same log and policy
    always archive the same experiences. An experience counts as used when a later one lists it in `recalled`,
    and again when feedback says whether it helped. Archiving removes it from the policy, restoring adds it.

    Args:
        backend: The log.
        policy: A new policy that has received no event yet, or a registered name.
        keep: How many of the matching experiences stay, >= 0; None sets no number.
        below: Archive experiences whose retention is below this; None sets no threshold. Use
            `forgetting.ARCHIVE_BELOW` for `Ebbinghaus`.
        kind: Only experiences of this kind match; None takes every kind.
        where: Only experiences that pass this filter match.
        unit: Unit of times: episodes so far (those before an entry; an episode's own experience ends it),
            entries of the log, or seconds since the Unix epoch (a clock set back counts as standing still).
        now: The time at which retention is evaluated; None is the end of the log, or `at_s` if `unit` is
            seconds and that is later.
        at_s: Time of this call, seconds since the Unix epoch; part of the history.
        reason: The reason in words; the policy's name if empty.

    Returns:
        The ids that were archived, the weakest first.

    Raises:
        InvalidQuery: Neither `keep` nor `below` is given, an argument is invalid, or a named policy needs
            `keep`.
        UnknownName: No policy has this name.
    """
    _check(keep, below, unit)
    if now is not None:
        check_number("now", now)
    check_where(where)
    policy = policy_of(policy, keep)
    wanted = where if kind is None else all_of(Equals("kind", kind), where)
    end = tell(backend, policy, where=wanted, unit=unit)
    if now is None:
        now = max(end, at_s) if unit == "seconds" else end
    n_gone = 0 if below is None else len(below_threshold(policy, at=now, threshold=below))
    if keep is not None:
        n_gone = max(n_gone, len(policy.retention(at=now)) - keep)
    gone = weakest(policy, at=now, n=n_gone)
    return archive(backend, gone, reason=reason or f"forgotten by {type(policy).__name__}", at_s=at_s)


def tell(
    backend: SqliteBackend, policy: Forgetting, *, where: Where = EVERYTHING, unit: Unit = "episodes"
) -> float:
    """Replay to a policy every event of the experiences that pass a filter.

    Returns:
        The time at the end of the log, in the unit.
    """
    log, spans = LogValues(backend), visible_spans(backend)
    searched = Search(kind=EntryKind.EXPERIENCE, where=where, spans=spans, k=EVERY_HIT)
    wanted = set(backend.search(searched).sequences)
    surprise = _surprise(log, spans)
    items: dict[str, Remembered] = {}
    times = _Times(unit)
    for sequence, entry_kind, values in log.after(0, _KINDS, _PATHS):
        if not is_in(sequence, spans):
            continue
        at = times.of(sequence, values)
        if entry_kind == EntryKind.EXPERIENCE:
            for used in dict.fromkeys(texts_in(values["recalled"])):
                policy.used(used, at=at)
            if sequence in wanted:
                item = _remembered(values, surprise.get(sequence, 0.0))
                items[item.id] = item
                policy.added(item, at=at)
            times.passed(values)
        elif str(values["experience_id"]) in items:
            _replay_entry(policy, items[str(values["experience_id"])], entry_kind, values, at=at)
    return times.now


def policy_of(policy: Forgetting | str, keep: int | None) -> Forgetting:
    """Return the policy, or create a named one, with `keep` as its capacity if it takes one.

    Raises:
        InvalidQuery: The policy is not a policy, or takes a capacity and `keep` is None.
        UnknownName: No policy has this name.
    """
    if not isinstance(policy, str):
        check_policy(policy)
        return policy
    registered = registry.load("forgetting", policy)
    if "capacity" not in inspect.signature(registered).parameters:
        return cast("Forgetting", registered())
    if keep is None:
        raise InvalidQuery(
            f"{policy} needs the number of experiences that stay; give keep, or max_count of a rule"
        )
    return cast("Forgetting", registered(capacity=keep))


def _replay_entry(
    policy: Forgetting, item: Remembered, entry_kind: str, values: Mapping[str, JsonValue], *, at: float
) -> None:
    if entry_kind == EntryKind.FEEDBACK:
        policy.used(item.id, at=at, helped=bool(values["helped"]))
    elif entry_kind == EntryKind.ARCHIVE:
        policy.removed(item.id)
    else:
        policy.added(item, at=at)


class _Times:
    """Times in one unit that never decrease."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self.now = 0.0

    def of(self, sequence: int, values: Mapping[str, JsonValue]) -> float:
        """The time at which an entry was written."""
        if self._unit == "entries":
            self.now = float(sequence)
        elif self._unit == "seconds":
            given = (values["happened_at_s"], values["at_s"])
            self.now = max(
                self.now, *(float(cast("Any", time_s)) for time_s in given if time_s is not None), 0.0
            )
        return self.now

    def passed(self, values: Mapping[str, JsonValue]) -> None:
        """Count an experience; one of kind `episode` ends the episode."""
        if self._unit == "episodes" and values["kind"] == Kind.EPISODE:
            self.now += 1.0


def _surprise(log: LogValues, spans: tuple[Span, ...]) -> dict[int, float]:
    view = Surprise(gaps_between(spans))
    Follower(log, [view]).catch_up()
    found = view.values()
    return dict(zip(found.sequences.tolist(), found.values.tolist(), strict=True))


def _remembered(values: Mapping[str, JsonValue], surprise: float) -> Remembered:
    is_failure = values["outcome.status"] in FAILED
    return Remembered(id=str(values["id"]), is_failure=is_failure, surprise=surprise)


def _check(keep: int | None, below: float | None, unit: str) -> None:
    if keep is None and below is None:
        raise InvalidQuery(
            "neither keep nor below is given; give how many stay, or the lowest retention that stays"
        )
    if keep is not None and (isinstance(keep, bool) or not isinstance(keep, int) or keep < 0):
        raise InvalidQuery(f"keep is {keep!r}; expected an integer of at least 0")
    if below is not None:
        check_number("below", below)
    if unit not in get_args(Unit):
        raise InvalidQuery(f"unit is {unit!r}; expected one of {', '.join(get_args(Unit))}")
