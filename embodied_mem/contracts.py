"""Protocols of the parts that a user may replace, each with at most five methods.

Each has a reusable test class in `embodied_mem.testing`; subclass it to test an implementation. An optional
capability (`HasHorizon`, `CanWithdraw`, `EmbedsQueries`, `HasGoalCheck`, `HasSceneText`, ...) is tested by
the class of its main contract, if the implementation has it; `PolicyContract` tests the policy of a
`HasExpert`.

A planner, judge or reflector may answer with an awaitable: with `async def`, or a plain function that returns
one. So may a memory (`AsyncMemory`); if its `recall` is a plain function it sets `is_async = True`.
"""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from embodied_mem.records.decisions import Context, Decision
from embodied_mem.records.episodes import Reflection, Trace
from embodied_mem.records.experience import (
    Attachment,
    Experience,
    Outcome,
    Recalled,
    Receipt,
    SkillCall,
    Task,
)
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.log import Appended, Entry, Found, Logged, Search
from embodied_mem.records.queries import Query
from embodied_mem.records.remembered import Remembered
from embodied_mem.records.scene import SceneView
from embodied_mem.records.skills import Detail, Observation, Skill, SkillResult
from embodied_mem.records.spaces import Space, Vectors

Input_contra = TypeVar("Input_contra", contravariant=True)
State = TypeVar("State")


@runtime_checkable
class Memory(Protocol):
    """Stores experiences and recalls the useful ones."""

    def record(self, experience: Experience) -> Receipt:
        """Store an experience; in a durable memory it survives `kill -9` once this returns.

        With group commit it survives once `Receipt.wait` returns.

        Raises:
            ConflictingId: The id belongs to different content, or was withdrawn.
            MemoryModeError: The memory is read-only.
        """
        ...

    def recall(self, query: Query, /) -> list[Recalled]:
        """Return at most `query.k` experiences, best first, within `query.where` and up to `query.as_of`."""
        ...

    def feedback(self, experience_id: str, *, helped: bool) -> None:
        """Record whether acting on a recalled experience helped.

        Raises:
            UnknownName: No experience has that id, or it was withdrawn.
            MemoryModeError: The memory is read-only.
        """
        ...


@runtime_checkable
class HasHorizon(Protocol):
    """A memory whose visible state can be fixed for the duration of an episode."""

    def horizon(self) -> int:
        """Return the newest sequence number; passed as `Query.as_of` it hides everything recorded later."""
        ...


@runtime_checkable
class CanWithdraw(Protocol):
    """A memory that can hide the entries of an unfinished attempt, so an interrupted lifetime can resume."""

    def withdraw(self, after: int) -> None:
        """Hide every entry with a sequence number above `after`, as if it had never been written."""
        ...


@runtime_checkable
class DeclaresAnswers(Protocol):
    """A memory that declares which fields of a query it answers.

    It rejects the others by name: `recall` begins with `embodied_mem.records.answers.refuse_unanswerable`.
    A memory that declares nothing is taken to answer every field.
    """

    @property
    def answers(self) -> frozenset[str]:
        """Names of the fields of `Query` that change or bound what `recall` returns; `k` always does."""
        ...


@runtime_checkable
class CanRecordAll(Protocol):
    """A memory that stores a batch of experiences at once, such as an episode and its lessons."""

    def record_all(self, experiences: Sequence[Experience], /) -> list[Receipt]:
        """Store all of the experiences or none; return their receipts in the same order.

        In a durable memory all of them survive `kill -9` once this returns.

        Raises:
            ConflictingId: An id belongs to different content, or was withdrawn; nothing was stored.
            MemoryModeError: The memory is read-only.
        """
        ...


@runtime_checkable
class CanClose(Protocol):
    """A memory, world or other part that holds files, connections or processes; whoever made it closes it."""

    def close(self) -> None:
        """Store what is still pending and release what is held; closing twice is allowed."""
        ...


@runtime_checkable
class Backend(Protocol):
    """One append-only log with search, in any storage."""

    def append(self, entries: Sequence[Entry]) -> list[Appended]:
        """Append entries in order, all or none; durable once this returns.

        Raises:
            ConflictingId: An id belongs to different content.
            UnknownSpace: A vector's space differs from its field's space.
        """
        ...

    def get(self, keys: Sequence[str | int]) -> list[Logged | None]:
        """Return the entries of these ids (str) or sequence numbers (int), in order; None if missing."""
        ...

    def changes_since(self, sequence: int, *, limit: int | None = None) -> Sequence[Logged]:
        """Return the entries after this sequence number, oldest first."""
        ...

    def search(self, search: Search) -> Found:
        """Return the best entries that pass the filter.

        Raises:
            UnknownSpace: The space of a leg's vector differs from its field's space.
        """
        ...

    def close(self) -> None:
        """Release files; closing twice is allowed, any other call afterwards raises `StoreError`."""
        ...


@runtime_checkable
class Forgetting(Protocol):
    """Ranks items for removal; receives events in the order they happened, so they can be replayed.

    Times are non-decreasing numbers in a unit that the caller chooses: episodes, steps or seconds. The same
    settings and events give the same values, in any process.
    """

    def added(self, item: Remembered, *, at: float) -> None:
        """Add an item, or restart an item whose id is already known."""
        ...

    def used(self, item_id: str, *, at: float, helped: bool | None = None) -> None:
        """Note a recall of an item, and whether acting on it helped (None: unknown). Ignores unknown ids."""
        ...

    def removed(self, item_id: str) -> None:
        """Drop an item. Ignores unknown ids."""
        ...

    def retention(self, *, at: float) -> Mapping[str, float]:
        """Return the retention value of every item by id, without changing state.

        The lowest value is removed first; ties: first listed; an infinite value is never removed. The caller
        owns the mapping.
        """
        ...


@runtime_checkable
class Embedder(Protocol[Input_contra]):
    """Turns inputs into vectors of one space."""

    @property
    def space(self) -> Space:
        """The space of its vectors."""
        ...

    def embed(self, inputs: Sequence[Input_contra]) -> Vectors:
        """Return (n, d) float32, finite; equal inputs give equal rows in any batch."""
        ...


@runtime_checkable
class EmbedsQueries(Protocol[Input_contra]):
    """An embedder that embeds queries differently from documents, as E5 and BGE do with a prefix.

    Recall calls only this method; recording, importing and re-embedding call only `embed`.
    """

    def embed_queries(self, queries: Sequence[Input_contra]) -> Vectors:
        """Return (n, d) float32 in the embedder's space, comparable with the vectors of `embed`."""
        ...


@runtime_checkable
class Execution(Protocol):
    """A running skill call."""

    def advance(self, observation: Observation) -> "SkillResult | Any":
        """Return the next environment action, or a `SkillResult` if the call is over.

        An action may be of any type except `SkillResult`. A failing call returns at least one action first,
        so that failure always costs a step.
        """
        ...

    def cancel(self) -> SkillResult:
        """Abort the call; later calls of `advance` return the same result."""
        ...


@runtime_checkable
class HasStopAction(Protocol):
    """An execution whose cancellation takes one more step, such as braking."""

    def stop_action(self) -> Any:
        """Return the environment action to take once after `cancel`."""
        ...


@runtime_checkable
class World(Protocol):
    """Describes a Gymnasium environment to planners; the agent steps `env`, not the world.

    A world that holds more than its environment also implements `CanClose`; see `close_world`.
    """

    @property
    def env(self) -> Any:
        """The outermost `gymnasium.Env`; every step of every skill goes through it."""
        ...

    def begin(self, observation: Any, info: Mapping[str, Any], *, seed: int | None) -> Task:
        """Clear the state of the last episode and return the task; called once after each reset."""
        ...

    def observe(self, observation: Any, info: Mapping[str, Any]) -> Observation:
        """Describe the environment's observation; called once after each reset and each step."""
        ...

    def skills(self, observation: Observation, *, detail: Detail = "signature") -> Sequence[Skill]:
        """Return the skills that can be called now."""
        ...

    def start(self, call: SkillCall) -> Execution:
        """Start a call.

        Raises:
            UnknownName: The skill does not exist.
            InvalidRecord: The arguments do not fit the skill.
        """
        ...


@runtime_checkable
class CanRestart(Protocol):
    """A world whose simulator can be started again after it died."""

    def restart(self) -> None:
        """Start the simulator anew, after `env.reset` raised; at most once an episode."""
        ...


@runtime_checkable
class CanHold(Protocol):
    """A world that goes on while an `async` planner thinks, such as a robot."""

    def hold_action(self) -> Any:
        """Return the action to take at each step until the planner has decided, such as standing still."""
        ...


@runtime_checkable
class Planner(Protocol):
    """Decides what to do next; may keep state within an episode but not across episodes."""

    def decide(self, context: Context) -> "Decision | Awaitable[Decision]":
        """Return the next decision; `context.trigger` is `start` when a new episode begins."""
        ...

    def describe(self) -> JsonObject:
        """Return the name (key `name`, required) and settings, for the origin of recorded experiences."""
        ...


@runtime_checkable
class PlansEpisodes(Protocol):
    """A planner that keeps state in an episode and serves several episodes at once."""

    def for_episode(self) -> Planner:
        """Return the planner of one episode, with a state of its own; the reflector of that episode too."""
        ...


@runtime_checkable
class Judge(Protocol):
    """Judges how an episode ended, from what happened and not from the plan."""

    def judge(self, trace: Trace) -> "Outcome | Awaitable[Outcome]":
        """Return the outcome; `unverified` if there is no evidence independent of the agent.

        `cost` of the outcome is the judge's own; the loop adds that of the decisions.
        """
        ...


@runtime_checkable
class JudgesImages(Protocol):
    """A judge that also looks at the last images of an episode; a trace keeps only their digests."""

    def judge_with_images(
        self, trace: Trace, images: Mapping[str, "npt.NDArray[np.uint8]"]
    ) -> "Outcome | Awaitable[Outcome]":
        """Return the outcome; the agent calls it in place of `judge`.

        Args:
            trace: What happened.
            images: The named pictures of the last observation, each (h, w, c) uint8; maybe none.
        """
        ...


@runtime_checkable
class Reflector(Protocol):
    """Derives knowledge from a judged episode."""

    def reflect(self, trace: Trace, outcome: Outcome) -> "Reflection | Awaitable[Reflection]":
        """Return experiences to record beside the episode, and feedback on those that were acted on."""
        ...


@runtime_checkable
class Policy(Protocol[State]):
    """A controller that maps observations to actions: a trained network, or a world's expert."""

    def initial_state(self) -> State:
        """Return the state at the start of an episode."""
        ...

    def act(self, observation: Any, state: State) -> tuple[Any, State]:
        """Return the next action, and the state to pass to the next call."""
        ...


@runtime_checkable
class Tracker(Protocol):
    """Receives metrics during a run."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Log metrics at a step; the steps of one tracker never decrease."""
        ...

    def close(self) -> None:
        """Flush and close; closing twice is allowed."""
        ...


@runtime_checkable
class HasExpert(Protocol):
    """A world with an expert for its own tasks; the upper bound of an experiment."""

    def expert(self, rng: np.random.Generator) -> Policy[Any]:
        """Return a policy for the episode that just began; it may read state that is hidden from agents.

        Its `act` raises `EpisodeError` when it is stuck.
        """
        ...


@runtime_checkable
class HasDemonstration(Protocol):
    """A world that knows which calls win; only a `FollowsDemonstration` is told them."""

    def demonstration(self) -> Sequence[SkillCall]:
        """Return calls that win from the start of the episode that just began; they may need hidden state.

        Raises:
            EpisodeError: None are known for this task.
        """
        ...


@runtime_checkable
class FollowsDemonstration(Protocol):
    """A planner that is told the calls that win before its first decision: a teacher, and never a rival."""

    def follow(self, calls: Sequence[SkillCall]) -> None:
        """Play these calls in the episode that just began."""
        ...


@runtime_checkable
class HasGoalCheck(Protocol):
    """A world that can check whether the task is done."""

    def goal_reached(self) -> bool | None:
        """Whether the task of this episode is done; None if unknown so far."""
        ...


@runtime_checkable
class HasSceneText(Protocol):
    """A world that keeps a map of its observations and can describe it."""

    def scene(self) -> str:
        """Describe the known surroundings, based only on the agent's own perceptions."""
        ...


@runtime_checkable
class HasSceneView(Protocol):
    """A world that can describe its map within a budget, in words and as facts."""

    def view_scene(self, budget_tokens: int | None = None, *, about: Sequence[str] = ()) -> SceneView:
        """Describe the known surroundings, based only on the agent's own perceptions.

        Args:
            budget_tokens: Length limit of the text, at about four characters a token; None: no limit.
            about: References to objects; what concerns them comes first and is dropped last.
        """
        ...


@runtime_checkable
class ShortTermMemory(Protocol):
    """Holds what is true now in one episode; the agent clears it when the next one begins."""

    def begin(self, task: Task) -> None:
        """Clear it for a new episode."""
        ...

    def perceive(self, observation: Observation, *, step: int) -> None:
        """Take in an observation; called after each reset and each step, so it must be fast."""
        ...

    def view(self, budget_tokens: int | None = None, *, about: Sequence[str] = ()) -> SceneView:
        """Describe what it holds; see `HasSceneView.view_scene`."""
        ...


@runtime_checkable
class AsyncMemory(Protocol):
    """A `Memory` whose methods are awaited, such as a client of a server."""

    def record(self, experience: Experience) -> Awaitable[Receipt]:
        """See `Memory.record`."""
        ...

    def recall(self, query: Query, /) -> Awaitable[list[Recalled]]:
        """See `Memory.recall`."""
        ...

    def feedback(self, experience_id: str, *, helped: bool) -> Awaitable[None]:
        """See `Memory.feedback`."""
        ...


@runtime_checkable
class KeepsImages(Protocol):
    """A memory that stores the images of an observation beside its experiences."""

    def keep_image(self, image: "npt.NDArray[np.uint8]", *, role: str) -> Attachment:
        """Store an (h, w, c) image; the attachment goes into the experience recorded next.

        Raises:
            QuotaExceeded: The image would exceed the quota of attachments; nothing was stored.
        """
        ...


def close_world(world: World) -> None:
    """Close a world, or its environment if it has no `close` of its own."""
    if isinstance(world, CanClose):
        world.close()
    else:
        world.env.close()
