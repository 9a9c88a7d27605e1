"""Arms of an experiment: each is a memory, a planner and the phases of a lifetime that it plays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embodied_mem import registry
from embodied_mem.backends.make import make_backend
from embodied_mem.contracts import Embedder, Memory
from embodied_mem.errors import ExperimentError, unknown_name
from embodied_mem.experiments.controls import (
    Control,
    NoMemory,
    RandomMemory,
    RecencyMemory,
    ShuffledMemory,
    WithoutKindMemory,
)
from embodied_mem.experiments.locks import folder_lock
from embodied_mem.experiments.part_factories import make_planner as make_planner
from embodied_mem.planners.llm.presets.preset import NO_PRESET, load_preset

if TYPE_CHECKING:
    from embodied_mem.store import MemoryStore

EXPERT = "expert"
EMBED_WAIT_S = 60.0  # a lifetime's memory is embedded anew in a second; this only covers a slow machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One arm of an experiment.

    Attributes:
        name: Name in the results.
        memory: Registered name of the memory; empty for none.
        memory_options: Keyword arguments of the memory's factory.
        planner: Registered name of the planner; `expert` plays the world's own expert instead.
        planner_options: Keyword arguments of the planner.
        learner: Registered name of the planner that plays the learning episodes; empty: its own.
        learner_options: Keyword arguments of that planner.
        learns: Whether it plays the learning episodes; otherwise only the held-out ones.
        shares: Name of the arm whose memory it reads in each lifetime; only for arms that do not learn.
    """

    name: str
    memory: str = ""
    memory_options: Mapping[str, Any] = field(default_factory=dict)
    planner: str = ""
    planner_options: Mapping[str, Any] = field(default_factory=dict)
    learner: str = ""
    learner_options: Mapping[str, Any] = field(default_factory=dict)
    learns: bool = False
    shares: str = ""

    @property
    def plays_expert(self) -> bool:
        """Whether the world's expert acts instead of a planner."""
        return self.planner == EXPERT


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmPattern:
    """Template of a default arm; the experiment's memory and planner are filled in.

    Attributes:
        help: One line for `embodied-mem list arms`.
        control: Registered name of the control that wraps the experiment's memory; empty for no control.
        planner: Registered name of the planner; empty for the experiment's planner.
        learns: See `Arm`.
        shares: See `Arm`.
    """

    help: str
    control: str = ""
    planner: str = ""
    learns: bool = False
    shares: str = ""


PATTERNS: Mapping[str, ArmPattern] = {
    "none": ArmPattern(help="same planner, nothing remembered", control="none", learns=True),
    "random": ArmPattern(help="k experiences drawn at random", control="random", learns=True),
    "recency": ArmPattern(help="the k newest experiences", control="recency", learns=True),
    "memory": ArmPattern(help="the memory under test", learns=True),
    "shuffled": ArmPattern(
        help="the memory of arm `memory`, plans and outcomes swapped", control="shuffled", shares="memory"
    ),
    "without_kind": ArmPattern(
        help="the memory of arm `memory`, other task kinds only", control="without_kind", shares="memory"
    ),
    "floor": ArmPattern(help="random legal skills, no memory", planner="random_skill"),
    "expert": ArmPattern(help="the world's own expert", planner=EXPERT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Settings in which an arm differs from its base.

    Attributes:
        base: Name of a default arm or a registered memory.
        preset: Name of a preset, whose settings of planner and memory come before the options below.
        planner_options: Keyword arguments of the planner, on top of the base's.
        memory_options: Keyword arguments of the memory, on top of the base's.
        learner: Registered name of the planner that plays its learning episodes; empty for the experiment's.
        shares: Name of the arm whose memory it reads, without learning itself; empty for the base's.
        learns: Whether it plays the learning episodes; None for what its base does.
    """

    base: str
    preset: str = ""
    planner_options: Mapping[str, Any] = field(default_factory=dict)
    memory_options: Mapping[str, Any] = field(default_factory=dict)
    learner: str = ""
    shares: str = ""
    learns: bool | None = None


DEFAULT_ARMS = ("none", "random", "memory", "shuffled", "without_kind", "floor", "expert")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The memory and planner under test, and the planner of the learning episodes if it is another."""

    memory: str
    memory_options: Mapping[str, Any]
    planner: str
    planner_options: Mapping[str, Any]
    learner: str = ""
    learner_options: Mapping[str, Any] = field(default_factory=dict)


def make_arms(
    names: Sequence[str], parts: Parts, variants: Mapping[str, Mapping[str, Any]]
) -> tuple[Arm, ...]:
    """Return the arms of an experiment, in the order given.

    A name is a default arm, a variant, or a registered memory, which becomes an arm that learns.

    Args:
        names: Names of the arms.
        parts: The memory and planner under test.
        variants: Name -> the fields of a `Variant`.

    Raises:
        UnknownName: A name is not a default arm, variant or registered memory.
        ExperimentError: There are no names, a name comes twice, or an arm that another one reads is missing.
    """
    if not names or len(set(names)) < len(names):
        raise ExperimentError(f"arms={list(names)}; expected one or more names, each once")
    known = {name: _variant(name, fields) for name, fields in variants.items()}
    arms = tuple(_make_arm(name, parts, known) for name in names)
    learners = {arm.name for arm in arms if arm.learns}
    for arm in arms:
        if arm.shares and arm.shares not in learners:
            raise ExperimentError(
                f"arm {arm.name!r} reads the memory of {arm.shares!r}; add {arm.shares!r} to arms"
            )
    return arms


def _variant(name: str, fields: Mapping[str, Any]) -> Variant:
    unknown = set(fields) - set(Variant.__dataclass_fields__)
    if unknown:
        raise unknown_name(f"key of variant {name!r}", min(unknown), Variant.__dataclass_fields__)
    return Variant(**{"base": name, **fields})


def _make_arm(name: str, parts: Parts, variants: Mapping[str, Variant]) -> Arm:
    variant = variants.get(name) or Variant(base=name)
    if variant.base in PATTERNS:
        pattern = PATTERNS[variant.base]
        memory, memory_options = _memory_of(pattern, parts)
    elif variant.base in registry.names("memories"):
        pattern, memory, memory_options = ArmPattern(help="", learns=True), variant.base, {}
    else:
        raise unknown_name("arm", variant.base, {*PATTERNS, *variants, *registry.names("memories")})
    planner_options = {} if pattern.planner else parts.planner_options
    settings = load_preset(variant.preset) if variant.preset else NO_PRESET
    shares = variant.shares or pattern.shares
    return Arm(
        name=name,
        memory=memory,
        memory_options={**memory_options, **settings.memory, **variant.memory_options},
        planner=pattern.planner or parts.planner,
        planner_options={**planner_options, **settings.planner, **variant.planner_options},
        learner=variant.learner or parts.learner,
        learner_options={} if variant.learner else parts.learner_options,
        learns=not shares and (pattern.learns if variant.learns is None else variant.learns),
        shares=shares,
    )


def _memory_of(pattern: ArmPattern, parts: Parts) -> tuple[str, dict[str, Any]]:
    if pattern.planner or pattern.control == "none":
        return pattern.control, {}
    if pattern.control:
        return pattern.control, {"inner": parts.memory, **parts.memory_options}
    return parts.memory, dict(parts.memory_options)


# Factories of the registry group `memories`: each takes a folder and the lifetime's seed.


def make_experience_memory(
    path: Path,
    *,
    seed: int,
    weights: Mapping[str, float] | None = None,
    backend: str = "",
    backend_options: Mapping[str, Any] | None = None,
    forgetting: Mapping[str, Any] | None = None,
    **options: Any,
) -> Memory:
    """Open the library's own memory in a store at this folder, created if absent, or over another back end.

    Args:
        path: The folder.
        seed: Not used: this memory is deterministic.
        weights: Fields of `RankingWeights` that override its defaults.
        backend: Name of a registered back end; empty: the store in the folder.
        backend_options: Keyword arguments of that back end.
        forgetting: What to archive after every episode; see `FadingMemory`. None: nothing.
        options: Further keyword arguments of `MemoryStore.memory`.
    """
    from embodied_mem.embedders.hashed import HashedEmbedder
    from embodied_mem.experiments.fading_memory import FadingMemory
    from embodied_mem.memory.experience_memory import ExperienceMemory
    from embodied_mem.memory.scoring import RankingWeights
    from embodied_mem.store import MemoryStore

    # The committed results were made when hashed vectors broke ties by default; options may replace them.
    options = {"embedder": HashedEmbedder(), "weights": RankingWeights(**(weights or {})), **options}
    if backend:
        return ExperienceMemory(make_backend(backend, **(backend_options or {})), **options)
    store = MemoryStore.open(path)
    memory: Memory = (
        store.memory(**options)
        if forgetting is None
        else FadingMemory(store, forgetting=forgetting, **options)
    )
    _embed_anew(store, options["embedder"])
    return memory


def _embed_anew(store: "MemoryStore", embedder: "Embedder[str] | None") -> None:
    """Give a store that an older version of the embedder filled vectors of this one, so that its run goes on.

    Arms that share a memory may open it at the same time in several processes; one of them does it.
    """
    from embodied_mem.memory.retrieval import TEXT_FIELD

    if embedder is None or store.backend.spaces().get(TEXT_FIELD) in (None, embedder.space):
        return
    with folder_lock(store.path, wait_s=EMBED_WAIT_S):
        if store.backend.spaces()[TEXT_FIELD] != embedder.space:
            store.reembed(embedder)


def make_none(path: Path, *, seed: int, **options: Any) -> Memory:
    """A memory that stores nothing; path, seed and options are ignored."""
    return NoMemory()


def make_random(path: Path, *, seed: int, inner: str = "experience", **options: Any) -> Memory:
    """The control `random` around the registered memory `inner`."""
    return _control(RandomMemory, path, seed, inner, options)


def make_recency(path: Path, *, seed: int, inner: str = "experience", **options: Any) -> Memory:
    """The control `recency` around the registered memory `inner`."""
    return _control(RecencyMemory, path, seed, inner, options)


def make_shuffled(path: Path, *, seed: int, inner: str = "experience", **options: Any) -> Memory:
    """The control `shuffled` around the registered memory `inner`."""
    return _control(ShuffledMemory, path, seed, inner, options)


def make_without_kind(path: Path, *, seed: int, inner: str = "experience", **options: Any) -> Memory:
    """The control `without_kind` around the registered memory `inner`."""
    return _control(WithoutKindMemory, path, seed, inner, options)


def make_memory(name: str, path: Path, *, seed: int, options: Mapping[str, Any]) -> Memory:
    """Make the registered memory of this name.

    Raises:
        UnknownName: No memory of this name is registered.
        ExperimentError: The factory rejects the options, or returns something that is not a `Memory`.
    """
    try:
        memory: object = registry.load("memories", name)(path, seed=seed, **options)
    except TypeError as error:
        raise ExperimentError(f"memory {name!r} cannot be made with {dict(options)}: {error}") from error
    if not isinstance(memory, Memory):
        raise ExperimentError(
            f"memory {name!r} is {type(memory).__name__}; expected record, recall and feedback"
        )
    return memory


def _control(make: type[Control], path: Path, seed: int, inner: str, options: Mapping[str, Any]) -> Memory:
    memory: Memory = make(make_memory(inner, path, seed=seed, options=options), seed=seed)  # type: ignore[assignment]
    return memory
