"""The configuration of a run: one dataclass a group, each field with its help; `run.json` keeps the same."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embodied_mem import registry
from embodied_mem.errors import ExperimentError, unknown_name
from embodied_mem.experiments.arms import DEFAULT_ARMS, Arm, Parts, make_arms
from embodied_mem.experiments.seeds import SeedRange, seed_range
from embodied_mem.experiments.streams import Trial, trials

# Not dataclass(frozen=True): the configuration library builds them field by field.


@dataclass
class StreamConfig:
    """Which task kinds a lifetime mixes."""

    name: str = ""
    """How results call it."""
    kinds: list[str] = field(default_factory=list)
    """World and task, such as `babyai:UnlockPickup`."""


@dataclass
class PartConfig:
    """A registered part and its keyword arguments."""

    name: str = ""
    """Registered name."""
    options: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments."""


@dataclass
class LimitsConfig:
    """Limits of an episode beside the environment's own; see `embodied_mem.Limits`."""

    max_steps: int | None = None
    max_calls: int = 400
    max_invalid_calls: int = 20
    max_decisions: int = 2_000
    max_recalls: int = 1_000


@dataclass
class RunConfig:
    """Everything that decides what a run computes, and the little that does not (see `NOT_COMPARED`)."""

    name: str = "run"
    """Name of the run and of its folder."""
    seeds: str = "report"
    """Range of `seeds.yaml`: `tuning` for trying things out, `report` for claims."""
    lifetimes: int = 12
    """Lifetimes of each arm; the unit of every interval."""
    first_lifetime: int = 0
    """Which block of seeds the first lifetime takes; a second run on fresh seeds starts higher."""
    learning_episodes: int = 60
    """Episodes with a memory that learns."""
    held_out_episodes: int = 40
    """Episodes with a frozen memory afterwards."""
    arms: list[str] = field(default_factory=lambda: list(DEFAULT_ARMS))
    """Default arms, variants or registered memories."""
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Further arms by name; see `embodied_mem.experiments.arms.Variant`."""
    focus: str = "memory"
    """The arm that the headline compares with the others."""
    comparisons: list[list[str]] = field(default_factory=list)
    """Pairs of arms to compare; by default the focus with all others that learn, and random with none."""
    stream: StreamConfig = field(default_factory=StreamConfig)
    planner: PartConfig = field(default_factory=PartConfig)
    memory: PartConfig = field(default_factory=PartConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    workers: int = 0
    """Worker processes; 1 plays in this process, 0 takes as many as there are cores, at most 4."""
    out: str = ""
    """Folder of the run; by default outputs/<date>/<name>_<time>."""
    resume: str = ""
    """Folder of an interrupted run to go on with; its own configuration is used."""
    report: bool = True
    """Whether to write report.html."""
    tracker: str = "jsonl"
    """Registered tracker that receives the numbers while the run goes on; empty for none."""


NOT_COMPARED = ("workers", "out", "resume", "report", "tracker")  # change nothing of what is computed


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A checked configuration: what will be played.

    Attributes:
        config: Where it comes from.
        arms: The arms in order.
        seeds: The seed range.
    """

    config: RunConfig
    arms: tuple[Arm, ...]
    seeds: SeedRange

    @property
    def lifetimes(self) -> range:
        """The numbers of the lifetimes, from 0; `first_lifetime` moves their seeds and not their numbers."""
        return range(self.config.lifetimes)

    @property
    def beside(self) -> tuple[str, ...]:
        """Arms that have no memory at all and are printed beside the others."""
        return tuple(arm.name for arm in self.arms if not arm.learns and not arm.shares)

    def lifetime_seed(self, lifetime: int) -> int:
        """The seed of a lifetime's order and chance."""
        return self.seeds.lifetime_seed(self.config.first_lifetime + lifetime)

    def trials(self, arm: Arm, lifetime: int) -> tuple[Trial, ...]:
        """What an arm plays in a lifetime: everything, or the held-out episodes only."""
        found = trials(
            self.config.stream.kinds,
            seeds=self.seeds,
            block=self.config.first_lifetime + lifetime,
            lifetime=lifetime,
            learning_episodes=self.config.learning_episodes,
            held_out_episodes=self.config.held_out_episodes,
        )
        return found if arm.learns else tuple(trial for trial in found if trial.phase == "held_out")


def make_plan(config: RunConfig) -> RunPlan:
    """Check a configuration and say what it plays.

    Raises:
        ExperimentError: A number is out of range, or seeds do not suffice.
        UnknownName: An arm, memory, planner, tracker or seed range of that name does not exist.
    """
    least = {
        "lifetimes": 1,
        "first_lifetime": 0,
        "learning_episodes": 0,
        "held_out_episodes": 1,
        "workers": 0,
    }
    for name, low in least.items():
        if getattr(config, name) < low:
            raise ExperimentError(f"{name} is {getattr(config, name)}; expected at least {low}")
    if len(set(config.stream.kinds)) < len(config.stream.kinds):
        raise ExperimentError("stream.kinds names a kind twice; name each once, they come equally often")
    parts = Parts(
        memory=config.memory.name,
        memory_options=config.memory.options,
        planner=config.planner.name,
        planner_options=config.planner.options,
    )
    if config.tracker and config.tracker not in registry.names("trackers"):
        raise unknown_name("tracker", config.tracker, registry.names("trackers"))
    arms = make_arms(config.arms, parts, config.variants)
    names = [arm.name for arm in arms]
    if config.focus not in names:
        if config.focus != RunConfig.focus:
            raise unknown_name("focus", config.focus, names)
        config = dataclasses.replace(config, focus=_default_focus(arms))
    for pair in config.comparisons:
        if len(pair) != 2:
            raise ExperimentError(f"comparisons holds {pair}; expected pairs of arms, such as [memory,none]")
        for name in pair:
            if name not in names:
                raise unknown_name("arm of a comparison", name, names)
    plan = RunPlan(config, arms, seed_range(config.seeds))
    for arm in plan.arms:
        plan.trials(arm, plan.lifetimes[-1])
    return plan


def _default_focus(arms: tuple[Arm, ...]) -> str:
    learners = [arm.name for arm in arms if arm.learns and arm.memory != "none"]
    return (learners or [arm.name for arm in arms])[0]


def to_document(config: RunConfig) -> dict[str, Any]:
    """The configuration as JSON."""
    return dataclasses.asdict(config)


def from_document(document: dict[str, Any]) -> RunConfig:
    """The configuration that `to_document` wrote.

    Raises:
        ExperimentError: A key is missing or unknown, as in a file of another version.
    """
    try:
        values = dict(document)
        values["stream"] = StreamConfig(**values["stream"])
        values["planner"] = PartConfig(**values["planner"])
        values["memory"] = PartConfig(**values["memory"])
        values["limits"] = LimitsConfig(**values["limits"])
        return RunConfig(**values)
    except (KeyError, TypeError) as error:
        raise ExperimentError(f"this configuration was written by another version: {error}") from None


def differences(old: RunConfig, new: RunConfig) -> list[str]:
    """What differs in what would be computed, as lines `key: old -> new`."""
    before, after = _flat(to_document(old)), _flat(to_document(new))
    return [
        f"{key}: {before.get(key)!r} -> {after.get(key)!r}"
        for key in sorted({*before, *after})
        if key.split(".")[0] not in NOT_COMPARED and before.get(key) != after.get(key)
    ]


def _flat(document: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, dict) and value:
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


CONF_FOLDER = Path(__file__).with_name("conf")
