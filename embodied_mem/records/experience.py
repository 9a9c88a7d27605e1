"""The frozen records that all modules exchange, validated on construction."""

import enum
import hashlib
import json
import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Literal, Self, TypeAlias

from embodied_mem.errors import InvalidRecord
from embodied_mem.records.json_values import (
    JsonValue,
    canonical,
    check_text,
    to_json,
    to_json_object,
)
from embodied_mem.records.record_checks import (
    TextFields,
    check_items,
    checked_costs,
    checked_count,
    checked_number,
    checked_position,
    checked_tuple,
    checked_versions,
)
from embodied_mem.records.spaces import FieldVector


class Status(enum.StrEnum):
    """How an attempt ended. `unverified`: nothing independent of the agent has judged it."""

    SUCCESS = "success"
    FAILURE = "failure"
    TIMEOUT = "timeout"
    TRUNCATED = "truncated"
    CANCELLED = "cancelled"
    UNVERIFIED = "unverified"


FAILED = (Status.FAILURE, Status.TIMEOUT, Status.TRUNCATED)


class Kind(enum.StrEnum):
    """The kinds of experience that this library writes; any other string is a custom kind."""

    EPISODE = "episode"
    DECISION = "decision"  # one skill call of an episode: what was seen, what was called, what came of it
    SUBTASK = "subtask"
    REPAIR = "repair"
    LESSON = "lesson"
    SKILL = "skill"
    NOTE = "note"
    HELP = "help"
    FACT = "fact"  # from when a fact holds, or that it no longer does; see `embodied_mem.facts`


_SCOPE_TEXTS = TextFields("scope", "agent", "world", "place", "person", "run")
_TASK_TEXTS = TextFields("task", "text", "kind", "instance")
_ORIGIN_TEXTS = TextFields("origin", "run", "attempt", "planner", "model")
_ATTACHMENT_TEXTS = TextFields("attachment", "role", "digest", "media_type")
_EXPERIENCE_TEXTS = TextFields("experience", "state", "state_after", "kind", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The owner and place of an experience, compared component by component, never as a text prefix.

    An empty component of a record means "unknown". A filter compares only the components it names.
    """

    agent: str = ""
    world: str = ""
    place: str = ""
    person: str = ""
    run: str = ""

    def __post_init__(self) -> None:
        _SCOPE_TEXTS.check(self)


@dataclass(frozen=True, slots=True)
class Task:
    """The task of an attempt.

    Attributes:
        text: The instruction, verbatim.
        kind: The task family, such as `BabyAI-UnlockPickup-v0`; empty if unknown.
        instance: Name of the problem (see `instance_id`). Two attempts with equal instances face the same
            problem; the leakage guard compares instances. Empty: unknown, and equal to no other.
    """

    text: str
    kind: str = ""
    instance: str = ""

    def __post_init__(self) -> None:
        _TASK_TEXTS.check(self)

    @classmethod
    def of(cls, task: "Task | str") -> "Task":
        """Return the task, or wrap plain text in a `Task`."""
        return task if isinstance(task, Task) else cls(task)


InstanceFrom: TypeAlias = Literal["seed", "state"]
"""What names the problems of a world: the seed of the reset, or a digest of the full initial state."""


def instance_id(
    environment: str,
    *,
    seed: int | str | None,
    options: Mapping[str, Any] | None = None,
    state: "JsonValue | bytes" = None,
) -> str:
    """Return the name of one problem, such as `Maze-v0#3` or `Maze-v0@5f70bf18a0860070?{"size":5}`.

    Args:
        environment: Environment id with its version.
        seed: Seed of the reset, as text where it is longer than 64 bits; ignored if `state` is given.
        options: Arguments that the environment was made and reset with, as far as they change the problem.
        state: Everything that makes up the problem at its start, also what the agent cannot see: equal
            problems then have equal names whatever the seed. None: the world cannot read it.

    Returns:
        The name; empty if there is neither state nor seed, because such a problem cannot be recognised.
    """
    if state is not None:
        content = state if isinstance(state, bytes) else canonical(to_json(state, field="state")).encode()
        name = f"{environment}@{hashlib.sha256(content).hexdigest()[:16]}"
    elif seed is not None:
        name = f"{environment}#{seed}"
    else:
        return ""
    return f"{name}?{canonical(to_json_object(options, field='options'))}" if options else name


@dataclass(frozen=True, slots=True)
class SkillCall:
    """One call of a skill, or `count` equal ones in a row (run-length coding for long plans).

    `str` writes it as `name(argument, argument) x count`; `legal_calls.write_call` in the order that
    `parse_call` reads.

    Attributes:
        name: The skill's name.
        arguments: Argument name to JSON value; read-only.
        count: How many times in a row, >= 1.
    """

    name: str
    arguments: Mapping[str, JsonValue] = field(default_factory=dict)
    count: int = 1

    def __post_init__(self) -> None:
        check_text(self.name, field="plan.name")
        object.__setattr__(self, "count", checked_count(self.count, field="plan.count", low=1))
        object.__setattr__(self, "arguments", to_json_object(self.arguments, field="plan.arguments"))

    def __hash__(self) -> int:
        return hash((self.name, canonical(dict(self.arguments)), self.count))

    def __str__(self) -> str:
        arguments = ", ".join(map(_written, self.arguments.values()))
        return f"{self.name}({arguments})" + (f" x{self.count}" if self.count > 1 else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of an attempt, judged from the environment and not from the plan.

    Attributes:
        status: How it ended.
        reward: Sum of rewards; None if there were none or one was not finite.
        explanation: The cause, in words; names the fault, not the fix.
        steps: Environment steps taken, >= 0; None if not counted.
        cost: Named costs ("tokens", "usd", "seconds"), each finite and >= 0.
    """

    status: Status = Status.UNVERIFIED
    reward: float | None = None
    explanation: str = ""
    steps: int | None = None
    cost: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if type(self.status) is not Status:
            object.__setattr__(self, "status", _status(self.status))
        if self.reward is not None:
            object.__setattr__(self, "reward", checked_number(self.reward, field="outcome.reward"))
        check_text(self.explanation, field="outcome.explanation")
        if self.steps is not None:
            object.__setattr__(self, "steps", checked_count(self.steps, field="outcome.steps"))
        object.__setattr__(self, "cost", checked_costs(self.cost, field="outcome.cost"))

    @property
    def is_success(self) -> bool:
        """Whether the environment confirmed the goal."""
        return self.status is Status.SUCCESS

    @property
    def is_failure(self) -> bool:
        """Whether it was tried and not reached; False for what nobody judged, and for a cancelled attempt."""
        return self.status in FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The run, episode, steps and planner that an experience comes from.

    Attributes:
        run: Id of the run.
        attempt: Id of one attempt at one episode; a resumed run starts a new one.
        episode: Index of the episode within its lifetime.
        first_step: First environment step covered, from 0.
        last_step: Last environment step covered.
        planner: Name of the planner.
        model: Name of the language model, if one was used.
        versions: Component to version: environment, action grammar, library.
    """

    run: str = ""
    attempt: str = ""
    episode: int | None = None
    first_step: int | None = None
    last_step: int | None = None
    planner: str = ""
    model: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _ORIGIN_TEXTS.check(self)
        if not self.episode is self.first_step is self.last_step is None:
            for name in ("episode", "first_step", "last_step"):
                value = getattr(self, name)
                if value is not None:
                    object.__setattr__(self, name, checked_count(value, field=f"origin.{name}"))
        object.__setattr__(self, "versions", checked_versions(self.versions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file stored beside the log, named by the hash of its content.

    Attributes:
        role: What the file contains ("image", "depth", "audio").
        digest: Lower-case hex SHA-256 of the bytes.
        media_type: Such as `image/png`.
    """

    role: str
    digest: str
    media_type: str

    def __post_init__(self) -> None:
        _ATTACHMENT_TEXTS.check(self)
        if len(self.digest) != 64 or set(self.digest) - set("0123456789abcdef"):
            raise InvalidRecord(
                f"attachment.digest is {self.digest!r}; expected 64 lower-case hex characters"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """One attempt at a task: the (state, task, plan, outcome) tuple of MINDSTORES, section 3, and its origin.

    Attributes:
        task: The task; plain text is accepted and becomes a `Task`.
        state: What the agent perceived before acting, as text.
        plan: Skill calls in order.
        outcome: How the attempt ended.
        state_after: What the agent perceived at the end, as text.
        kind: Kind of experience; see `Kind`.
        id: Unique id; generated if not given. Writing the same id twice stores it once.
        scope: Owner and place.
        facts: Optional structured state as JSON.
        sources: Ids of the experiences it was derived from.
        recalled: Ids of the experiences that memory returned during the attempt.
        origin: Run, attempt, episode, step range, planner, versions.
        happened_at_s: Time of the attempt, seconds since the Unix epoch; None: the store's clock on writing.
        position_m: Position of the attempt: (x, y) or (x, y, z) in metres in the map frame of `scope.place`,
            x forward, z up; None if the world has no metric space.
        metadata: Anything else, as JSON.
        vectors: Named embeddings.
        attachments: Files by content hash.
    """

    task: Task
    state: str = ""
    plan: tuple[SkillCall, ...] = ()
    outcome: Outcome = field(default_factory=Outcome)
    state_after: str = ""
    kind: str = Kind.EPISODE.value
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    scope: Scope = field(default_factory=Scope)
    facts: Mapping[str, JsonValue] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    recalled: tuple[str, ...] = ()
    origin: Origin = field(default_factory=Origin)
    happened_at_s: float | None = None
    position_m: tuple[float, ...] | None = None
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    vectors: tuple[FieldVector, ...] = ()
    attachments: tuple[Attachment, ...] = ()

    def __post_init__(self) -> None:
        # Fields of the right type, nearly all, are not set again: records are built on every step.
        if type(self.task) is not Task:
            object.__setattr__(self, "task", Task.of(self.task))
        _EXPERIENCE_TEXTS.check(self)
        if type(self.kind) is not str:
            object.__setattr__(self, "kind", str(self.kind))
        if not self.id:
            raise InvalidRecord("experience.id is empty; omit it to generate one")
        object.__setattr__(self, "facts", to_json_object(self.facts, field="facts"))
        object.__setattr__(self, "metadata", to_json_object(self.metadata, field="metadata"))
        for at, items in enumerate(_sequences_of(self)):
            if items is not _EMPTY:  # most are empty: skip the name lookup
                name, member = _SEQUENCES[at]
                if type(items) is not tuple:
                    object.__setattr__(self, name, checked_tuple(items, field=name))
                check_items(getattr(self, name), member, field=name)
        if self.happened_at_s is not None:
            object.__setattr__(
                self, "happened_at_s", checked_number(self.happened_at_s, field="happened_at_s")
            )
        if self.position_m is not None:
            object.__setattr__(self, "position_m", checked_position(self.position_m))
        if (type(self.outcome), type(self.scope), type(self.origin)) != _PART_TYPES:
            _check_parts(self)
        if len(self.vectors) > 1:
            _reject_duplicate_fields(self.vectors)

    def replace(self, **changes: Any) -> Self:
        """Return a validated copy with these fields changed."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return type(self)(**{**values, **changes})


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """One recalled experience with its score and the reason for its selection.

    Attributes:
        experience: The recalled experience.
        score: Sum of `parts`, so scores of different queries can be compared.
        parts: Named contributions ("state", "task", "trust", ...): a similarity or prior times its weight.
        reason: Why it was selected, in words ("best match", "contrast: a failure of a similar task").
        n_alike: Number of near duplicates it represents, itself included; 1 unless duplicates were dropped.
        similarities: How well each part of the query matches, without weights, so that parts can be compared:
            1 if equal, 0 if nothing is shared. A text from 0 to 1, a vector as its metric says. Empty in a
            memory that does not tell.
    """

    experience: Experience
    score: float
    parts: Mapping[str, float]
    reason: str
    n_alike: int = 1
    similarities: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        total = math.fsum(self.parts.values())
        if not math.isclose(self.score, total, rel_tol=1e-9, abs_tol=1e-9):
            raise InvalidRecord(f"score is {self.score} but its parts {dict(self.parts)} add up to {total}")


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of `record`.

    Attributes:
        experience_id: Id of the stored experience.
        sequence: Its sequence number in the log, from 1; None for a memory without a log, and while the
            record waits for a group commit.
        is_duplicate: Whether the same id and content were already stored.
    """

    experience_id: str
    sequence: int | None = None
    is_duplicate: bool = False

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait until the record is as durable as the store's options promise; return at once if it is.

        Args:
            timeout_s: Seconds to wait for the write lock of other processes; None takes the store's own
                timeout. A slow disk does not count against it.

        Returns:
            The sequence number.

        Raises:
            ConflictingId: Another process stored other content under this id before the commit.
            StoreError: The store could not be written within the timeout; the record stays queued.
        """
        return self.sequence


def texts_of(experience: Experience) -> dict[str, str]:
    """Return the searchable texts by field name: `task`, `state` and `outcome`."""
    return {
        "task": experience.task.text,
        "state": experience.state,
        "outcome": experience.outcome.explanation,
    }


def _written(argument: JsonValue) -> str:
    """Return a text as it is, unless it could be misread; that and anything else as JSON."""
    if isinstance(argument, str) and _is_plain(argument):
        return argument
    return json.dumps(argument, ensure_ascii=False)


def _is_plain(text: str) -> bool:
    if not text or text != text.strip() or "," in text or text[0] in '"[{' or "\n" in text:
        return False  # a call is one line
    try:
        json.loads(text)
    except ValueError:
        return True
    return False  # it would be read as a number, true, false or null


_PARTS = (("outcome", Outcome), ("scope", Scope), ("origin", Origin))
_PART_TYPES = tuple(part for _, part in _PARTS)
_SEQUENCES: tuple[tuple[str, type], ...] = (
    ("plan", SkillCall),
    ("vectors", FieldVector),
    ("attachments", Attachment),
    ("sources", str),
    ("recalled", str),
)
_sequences_of: Callable[[Experience], tuple[Any, ...]] = attrgetter(*(name for name, _ in _SEQUENCES))
_EMPTY: tuple[()] = ()  # CPython has one empty tuple, so `is` finds it


def _check_parts(experience: Experience) -> None:
    for name, part in _PARTS:
        if not isinstance(value := getattr(experience, name), part):
            raise InvalidRecord(f"{name} is {value!r}; expected {part.__name__}(...)")


def _reject_duplicate_fields(vectors: Sequence[FieldVector]) -> None:
    fields = [vector.field for vector in vectors]
    if len(set(fields)) < len(fields):
        raise InvalidRecord(f"vectors name a field twice: {sorted(fields)}")


def _status(value: object) -> Status:
    if type(value) is Status:
        return value
    try:
        return Status(str(value))
    except ValueError:
        raise InvalidRecord(f"outcome.status is {value!r}; expected one of {', '.join(Status)}") from None
