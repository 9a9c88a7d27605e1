"""Arms: what is compared in an experiment, each a memory, a planner and the part of a lifetime it plays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embodied_mem import registry
from embodied_mem.contracts import Embedder, Memory, Planner
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

if TYPE_CHECKING:
    from embodied_mem.store import MemoryStore

EXPERT = "expert"
EMBED_WAIT_S = 60.0  # a lifetime's memory is embedded anew in a second; this only covers a slow machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One arm of an experiment.

    Attributes:
        name: How results call it.
        memory: Registered name of its memory; empty plays without one.
        memory_options: Keyword arguments of the memory's factory.
        planner: Registered name of its planner; `expert` plays the world's own expert instead.
        planner_options: Keyword arguments of the planner.
        learns: Whether it lives a lifetime of its own; otherwise it plays the held-out episodes only.
        shares: For an arm that does not learn: the arm whose learnt memory it reads, lifetime by lifetime.
    """

    name: str
    memory: str = ""
    memory_options: Mapping[str, Any] = field(default_factory=dict)
    planner: str = ""
    planner_options: Mapping[str, Any] = field(default_factory=dict)
    learns: bool = False
    shares: str = ""

    @property
    def plays_expert(self) -> bool:
        """Whether the world's expert acts instead of a planner."""
        return self.planner == EXPERT


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmPattern:
    """A default arm before the experiment's memory and planner are put in.

    Attributes:
        help: One line for `embodied-mem list arms`.
        control: Registered name of the control around the experiment's memory; empty takes it as it is.
        planner: A planner of its own; empty takes the experiment's.
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
        help="what `memory` learnt, with plans and outcomes swapped", control="shuffled", shares="memory"
    ),
    "without_kind": ArmPattern(
        help="what `memory` learnt on other task kinds", control="without_kind", shares="memory"
    ),
    "floor": ArmPattern(help="random legal skills, no memory", planner="random_skill"),
    "expert": ArmPattern(help="the world's own expert", planner=EXPERT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """How an arm differs from the one it is made from.

    Attributes:
        base: A default arm or a registered memory.
        planner_options: Keyword arguments of the planner that differ.
        memory_options: Keyword arguments of the memory that differ.
        shares: The arm whose learnt memory it reads, if not the base's.
    """

    base: str
    planner_options: Mapping[str, Any] = field(default_factory=dict)
    memory_options: Mapping[str, Any] = field(default_factory=dict)
    shares: str = ""


DEFAULT_ARMS = ("none", "random", "memory", "shuffled", "without_kind", "floor", "expert")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The memory and planner that an experiment is about."""

    memory: str
    memory_options: Mapping[str, Any]
    planner: str
    planner_options: Mapping[str, Any]


def make_arms(
    names: Sequence[str], parts: Parts, variants: Mapping[str, Mapping[str, Any]]
) -> tuple[Arm, ...]:
    """The arms of an experiment, in the order given.

    A name is a default arm, a variant, or a registered memory, which then lives lifetimes of its own.

    Args:
        names: Their names.
        parts: The memory and planner under test.
        variants: Name -> the fields of a `Variant`.

    Raises:
        UnknownName: No default arm, variant or memory of that name.
        ExperimentError: A name comes twice, or the arm that another one shares is missing.
    """
    if not names or len(set(names)) < len(names):
        raise ExperimentError(f"arms={list(names)}; expected one or more names, each once")
    known = {name: _variant(name, fields) for name, fields in variants.items()}
    arms = tuple(_make_arm(name, parts, known) for name in names)
    learners = {arm.name for arm in arms if arm.learns}
    for arm in arms:
        if arm.shares and arm.shares not in learners:
            raise ExperimentError(
                f"arm {arm.name!r} reads what {arm.shares!r} learnt; add {arm.shares!r} to arms"
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
    return Arm(
        name=name,
        memory=memory,
        memory_options={**memory_options, **variant.memory_options},
        planner=pattern.planner or parts.planner,
        planner_options={**planner_options, **variant.planner_options},
        learns=pattern.learns,
        shares=variant.shares or pattern.shares,
    )


def _memory_of(pattern: ArmPattern, parts: Parts) -> tuple[str, dict[str, Any]]:
    if pattern.planner or pattern.control == "none":
        return pattern.control, {}
    if pattern.control:
        return pattern.control, {"inner": parts.memory, **parts.memory_options}
    return parts.memory, dict(parts.memory_options)


# Factories of the registry group `memories`: a folder and the lifetime's seed in, a memory out.


def make_experience_memory(
    path: Path, *, seed: int, weights: Mapping[str, float] | None = None, **options: Any
) -> Memory:
    """Our own memory in a store at this folder, which is made if absent.

    Args:
        path: The folder.
        seed: Not needed: this memory leaves nothing to chance.
        weights: Fields of `RankingWeights` that differ from its defaults.
        options: Further keyword arguments of `MemoryStore.memory`.
    """
    from embodied_mem.embedders.hashed import HashedEmbedder
    from embodied_mem.memory.scoring import RankingWeights
    from embodied_mem.store import MemoryStore

    # The committed results were made when hashed vectors broke ties by default; a run may do without.
    options = {"embedder": HashedEmbedder(), **options}
    store = MemoryStore.open(path)
    memory: Memory = store.memory(weights=RankingWeights(**(weights or {})), **options)
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
    """A memory that keeps nothing; path, seed and options are not used."""
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
    """The registered memory of that name.

    Raises:
        UnknownName: Nothing of that name is registered.
        ExperimentError: It does not take these options, or what its factory gave is no `Memory`.
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


def make_planner(name: str, *, options: Mapping[str, Any]) -> Planner:
    """The registered planner of that name.

    Raises:
        UnknownName: Nothing of that name is registered.
        ExperimentError: It does not take these options, or is no `Planner`.
    """
    try:
        planner: object = registry.load("planners", name)(**options)
    except TypeError as error:
        raise ExperimentError(f"planner {name!r} cannot be made with {dict(options)}: {error}") from error
    if not isinstance(planner, Planner):
        raise ExperimentError(f"planner {name!r} is {type(planner).__name__}; expected decide and describe")
    return planner


def _control(make: type[Control], path: Path, seed: int, inner: str, options: Mapping[str, Any]) -> Memory:
    memory: Memory = make(make_memory(inner, path, seed=seed, options=options), seed=seed)  # type: ignore[assignment]
    return memory
