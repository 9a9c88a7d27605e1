"""The contracts between rooms: what a user may replace, each with two to five methods at most.

Each has a reusable test class in `embodied_mem.testing`; subclass it to test an implementation. An optional
capability (`HasHorizon`, `CanWithdraw`, `EmbedsQueries`, `HasGoalCheck`, `HasSceneText`) is tested by the
class of the contract that it goes with, where it is there; of `HasExpert` the policy is, by `PolicyContract`.
"""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from embodied_mem.records.decisions import Context, Decision
from embodied_mem.records.episodes import Reflection, Trace
from embodied_mem.records.experience import Experience, Outcome, Recalled, Receipt, SkillCall, Task
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.log import Appended, Entry, Found, Logged, Search
from embodied_mem.records.queries import Query
from embodied_mem.records.remembered import Remembered
from embodied_mem.records.skills import Detail, Observation, Skill, SkillResult
from embodied_mem.records.spaces import Space, Vectors

Input_contra = TypeVar("Input_contra", contravariant=True)
State = TypeVar("State")


@runtime_checkable
class Memory(Protocol):
    """Stores experiences and gives back the useful ones."""

    def record(self, experience: Experience) -> Receipt:
        """Keep an experience; once this returns it survives `kill -9` where the memory is durable.

        A memory that commits several together gives a receipt whose `wait` returns when that is so.

        Raises:
            ConflictingId: The id is taken by different content, or was withdrawn.
            MemoryModeError: The memory does not accept writes.
        """
        ...

    def recall(self, query: Query, /) -> list[Recalled]:
        """At most `query.k` experiences, best first; nothing outside `query.where` or after `query.as_of`."""
        ...

    def feedback(self, experience_id: str, *, helped: bool) -> None:
        """Note whether acting on a recalled experience helped.

        Raises:
            UnknownName: Nothing of that id was recorded, or it was withdrawn.
            MemoryModeError: The memory does not accept writes.
        """
        ...


@runtime_checkable
class HasHorizon(Protocol):
    """A memory whose state can be fixed for the length of an episode."""

    def horizon(self) -> int:
        """The newest sequence number; as `Query.as_of` it hides everything recorded later."""
        ...


@runtime_checkable
class CanWithdraw(Protocol):
    """A memory that can hide what an unfinished attempt wrote, so that an interrupted lifetime goes on."""

    def withdraw(self, after: int) -> None:
        """Hide everything with a sequence number above `after`, as if it had never been written."""
        ...


@runtime_checkable
class Backend(Protocol):
    """One append-only log with search; where and how it is kept is its own affair."""

    def append(self, entries: Sequence[Entry]) -> list[Appended]:
        """Add entries in order, all or none; durable once it returns.

        Raises:
            ConflictingId: An id is taken by different content.
            UnknownSpace: A vector's space differs from the one its field has.
        """
        ...

    def get(self, keys: Sequence[str | int]) -> list[Logged | None]:
        """The entries of these ids (text) or sequence numbers (int), in that order; None where none is."""
        ...

    def changes_since(self, sequence: int, *, limit: int | None = None) -> Sequence[Logged]:
        """Entries after this sequence number, oldest first."""
        ...

    def search(self, search: Search) -> Found:
        """The best entries that pass the filter; never one that does not.

        Raises:
            UnknownSpace: A leg's vector lies in another space than the vectors of its field.
        """
        ...

    def close(self) -> None:
        """Let go of files; closing twice is allowed, any other call afterwards raises `StoreError`."""
        ...


@runtime_checkable
class Forgetting(Protocol):
    """Says what to let go of first; told everything in the order in which it happened, so it can be replayed.

    Times are numbers that never go down, in a unit the caller states: episodes, steps or seconds. Two
    policies made alike and told alike give the same answers, in any process.
    """

    def added(self, item: Remembered, *, at: float) -> None:
        """Something is remembered from now on; of an id that is remembered already, anew."""
        ...

    def used(self, item_id: str, *, at: float, helped: bool | None = None) -> None:
        """It was recalled; whether acting on it helped, if that is known. Unknown ids are ignored."""
        ...

    def removed(self, item_id: str) -> None:
        """It is no longer remembered. Unknown ids are ignored."""
        ...

    def retention(self, *, at: float) -> Mapping[str, float]:
        """What is remembered, with how much it is to be kept; asking changes nothing.

        The lowest goes first, of equals the first listed; what is at infinity is never let go of. The mapping
        is the caller's to keep.
        """
        ...


@runtime_checkable
class Embedder(Protocol[Input_contra]):
    """Turns inputs into vectors of one space."""

    @property
    def space(self) -> Space:
        """The space its vectors lie in."""
        ...

    def embed(self, inputs: Sequence[Input_contra]) -> Vectors:
        """(n, d) float32, finite; equal inputs give equal rows, whatever else is in the batch."""
        ...


@runtime_checkable
class EmbedsQueries(Protocol[Input_contra]):
    """An embedder that embeds what is asked otherwise than what is kept, as E5 and BGE do by a prefix.

    Recall asks this method alone; what is recorded, imported or embedded anew goes through `embed` alone.
    """

    def embed_queries(self, queries: Sequence[Input_contra]) -> Vectors:
        """(n, d) float32 in the space of the embedder, to be compared with what `embed` gives there."""
        ...


@runtime_checkable
class Execution(Protocol):
    """A skill call on its way."""

    def advance(self, observation: Observation) -> "SkillResult | Any":
        """The next environment action, or the result if the call is over.

        An action may be of any type, so the result is told apart by being a `SkillResult`. A call that fails
        gives at least one action first, so that failing is never free.
        """
        ...

    def cancel(self) -> SkillResult:
        """Give the call up; later calls of `advance` give the same result."""
        ...


@runtime_checkable
class World(Protocol):
    """Describes a Gymnasium environment to planners. It *has* the environment; the agent steps that one."""

    @property
    def env(self) -> Any:
        """The outermost `gymnasium.Env`; every step of every skill goes through it."""
        ...

    def begin(self, observation: Any, info: Mapping[str, Any], *, seed: int | None) -> Task:
        """Forget the last episode and say what is to be done; called once after each reset."""
        ...

    def observe(self, observation: Any, info: Mapping[str, Any]) -> Observation:
        """Describe what the environment gave; called once after each reset and each step."""
        ...

    def skills(self, observation: Observation, *, detail: Detail = "signature") -> Sequence[Skill]:
        """What can be called now."""
        ...

    def start(self, call: SkillCall) -> Execution:
        """Begin a call.

        Raises:
            UnknownName: No such skill.
            InvalidRecord: Its arguments do not fit.
        """
        ...


@runtime_checkable
class Planner(Protocol):
    """Decides what to do next. Keeps its own state within an episode and none beyond it."""

    def decide(self, context: Context) -> "Decision | Awaitable[Decision]":
        """The next decision; `context.trigger` is `start` when a new episode begins."""
        ...

    def describe(self) -> JsonObject:
        """Name and settings, for the origin of what is recorded; `name` is always there."""
        ...


@runtime_checkable
class Judge(Protocol):
    """Says how an episode ended, from what happened and not from what was planned."""

    def judge(self, trace: Trace) -> Outcome:
        """The outcome; `unverified` where nothing independent of the agent says more."""
        ...


@runtime_checkable
class Reflector(Protocol):
    """Says what is to be learnt from a judged episode."""

    def reflect(self, trace: Trace, outcome: Outcome) -> Reflection:
        """Experiences to keep beside the episode, and feedback on those that were acted on."""
        ...


@runtime_checkable
class Policy(Protocol[State]):
    """A controller that maps observations to actions: a trained network, or a world's expert."""

    def initial_state(self) -> State:
        """The state at the beginning of an episode."""
        ...

    def act(self, observation: Any, state: State) -> tuple[Any, State]:
        """The next action, and the state to hand to the next call."""
        ...


@runtime_checkable
class Tracker(Protocol):
    """Receives numbers while a run goes on."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Note metrics at a step; steps of one tracker never go down."""
        ...

    def close(self) -> None:
        """Write out what is left; closing twice is allowed."""
        ...


@runtime_checkable
class HasExpert(Protocol):
    """A world that knows how to solve its own tasks; the ceiling of an experiment."""

    def expert(self, rng: np.random.Generator) -> Policy[Any]:
        """A policy for the episode that was just begun; it may look where an agent may not.

        Its `act` raises `EpisodeError` when it is stuck.
        """
        ...


@runtime_checkable
class HasGoalCheck(Protocol):
    """A world that can say by itself whether the task is done."""

    def goal_reached(self) -> bool | None:
        """Whether the task of this episode is done; None while that is not known."""
        ...


@runtime_checkable
class HasSceneText(Protocol):
    """A world that keeps a map of what it has seen and can put it in words."""

    def scene(self) -> str:
        """What is known of the place; only what the agent has perceived."""
        ...
