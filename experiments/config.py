"""The configuration of a run: one dataclass per group, each field with its help; stored in `run.json`."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embodied_mem import registry
from embodied_mem.agent.answers import MAX_WAITING_EPISODES
from embodied_mem.errors import ExperimentError, unknown_name
from embodied_mem.experiments.arms import DEFAULT_ARMS, Arm, Parts, make_arms
from embodied_mem.experiments.budget import BudgetConfig, Spending
from embodied_mem.experiments.seeds import SeedRange, seed_range
from embodied_mem.experiments.streams import Trial, trials
from embodied_mem.experiments.task_kinds import TaskKind

# Not frozen: OmegaConf sets their fields one by one.


@dataclass
class StreamConfig:
    """Which task kinds a lifetime mixes."""

    name: str = ""
    """Name in the results."""
    kinds: list[Any] = field(default_factory=list)
    """Task kinds as text, such as `babyai:UnlockPickup`; also given as `{kind: ..., options: {...}}`."""

    def __post_init__(self) -> None:
        self.kinds = [str(TaskKind.read(kind)) for kind in self.kinds]


@dataclass
class PartConfig:
    """A registered part, such as a planner or memory, and its keyword arguments."""

    name: str = ""
    """Registered name."""
    options: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments."""


@dataclass
class LimitsConfig:
    """Limits of an episode, in addition to the environment's own; see `embodied_mem.Limits`."""

    max_steps: int | None = None
    max_calls: int = 400
    max_invalid_calls: int = 20
    max_decisions: int = 2_000
    max_recalls: int = 1_000
    max_seconds: float | None = None
    max_step_seconds: float | None = 300.0  # a simulator that hangs ends its episode and not the run


@dataclass
class RunConfig:
    """All settings of a run; those in `NOT_COMPARED` do not affect its results."""

    name: str = "run"
    """Name of the run and of its folder."""
    seeds: str = "report"
    """Range of `seeds.yaml`: `tuning` for trying things out, `report` for claims."""
    lifetimes: int = 12
    """Lifetimes of each arm; the unit of every interval."""
    first_lifetime: int = 0
    """Seed block of the first lifetime; start higher to run again on fresh seeds."""
    learning_episodes: int = 60
    """Episodes in which the memory learns."""
    held_out_episodes: int = 40
    """Episodes with the memory frozen, after the learning episodes."""
    arms: list[str] = field(default_factory=lambda: list(DEFAULT_ARMS))
    """Default arms, variants or registered memories."""
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Further arms by name; see `embodied_mem.experiments.arms.Variant`."""
    focus: str = "memory"
    """The arm that the headline compares with the others."""
    comparisons: list[list[str]] = field(default_factory=list)
    """Pairs of arms to compare; by default the focus with all other learning arms, and random with none."""
    stream: StreamConfig = field(default_factory=StreamConfig)
    planner: PartConfig = field(default_factory=PartConfig)
    memory: PartConfig = field(default_factory=PartConfig)
    learner: PartConfig = field(default_factory=PartConfig)
    """Planner of the learning episodes; without a name each arm plays them itself."""
    judge: PartConfig = field(default_factory=lambda: PartConfig(name="goal"))
    reflector: PartConfig = field(default_factory=PartConfig)  # without a name: the planner's own
    record_decisions: bool = False
    """Whether learning episodes are also recorded call by call, as experiences of the kind `decision`."""
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    budget: BudgetConfig = field(default_factory=BudgetConfig)
    workers: int = 0
    """Worker processes; 1 plays in this process, 0 uses one per core, at most 4."""
    episodes_at_once: int = 1
    """Held-out episodes that a worker plays at the same time, each in a process of its own; at most 256."""
    out: str = ""
    """Folder of the run; by default outputs/<date>/<name>_<time>."""
    resume: str = ""
    """Folder of an interrupted run to resume; its stored configuration is used."""
    dry_run: bool = False
    """Whether to print every prompt of a language model in the first lifetime, and play nothing."""
    report: bool = True
    """Whether to write report.html."""
    tracker: str = "jsonl"
    """Registered tracker that receives metrics during the run; empty for none."""


NOT_COMPARED = (
    "workers",
    "episodes_at_once",
    "out",
    "resume",
    "dry_run",
    "report",
    "tracker",
    "budget",
)  # do not affect the results


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A validated configuration with its arms and seeds.

    Attributes:
        config: The configuration.
        arms: The arms in order.
        seeds: The seed range.
    """

    config: RunConfig
    arms: tuple[Arm, ...]
    seeds: SeedRange

    @property
    def lifetimes(self) -> range:
        """Lifetime numbers, from 0; `first_lifetime` shifts their seeds, not their numbers."""
        return range(self.config.lifetimes)

    @property
    def beside(self) -> tuple[str, ...]:
        """Reference arms: they have no memory and are printed after the others."""
        return tuple(arm.name for arm in self.arms if not arm.learns and not arm.shares)

    def lifetime_seed(self, lifetime: int) -> int:
        """Seed of a lifetime's task order and random draws."""
        return self.seeds.lifetime_seed(self.config.first_lifetime + lifetime)

    def trials(self, arm: Arm, lifetime: int) -> tuple[Trial, ...]:
        """Episodes that an arm plays in a lifetime: all if it learns, else the held-out ones."""
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
    """Validate a configuration and return its plan.

    Raises:
        ExperimentError: A setting is out of range, or the seed range is too small.
        UnknownName: An arm, memory, planner, tracker or seed range of that name does not exist.
    """
    _check_settings(config)
    parts = Parts(
        memory=config.memory.name,
        memory_options=config.memory.options,
        planner=config.planner.name,
        planner_options=config.planner.options,
        learner=config.learner.name,
        learner_options=config.learner.options,
    )
    arms = make_arms(config.arms, parts, config.variants)
    names = [arm.name for arm in arms]
    if config.focus not in names:
        if config.focus != RunConfig.focus:
            raise unknown_name("focus", config.focus, names)
        config = dataclasses.replace(config, focus=_default_focus(arms))
    _check_comparisons(config.comparisons, names)
    plan = RunPlan(config, arms, seed_range(config.seeds))
    for arm in plan.arms:
        plan.trials(arm, plan.lifetimes[-1])
    return plan


def _check_settings(config: RunConfig) -> None:
    least = {
        "lifetimes": 1,
        "first_lifetime": 0,
        "learning_episodes": 0,
        "held_out_episodes": 1,
        "workers": 0,
        "episodes_at_once": 1,
    }
    for name, low in least.items():
        if getattr(config, name) < low:
            raise ExperimentError(f"{name} is {getattr(config, name)}; expected at least {low}")
    if config.episodes_at_once > MAX_WAITING_EPISODES:
        raise ExperimentError(
            f"episodes_at_once is {config.episodes_at_once}; expected at most {MAX_WAITING_EPISODES}"
        )
    Spending(config.budget)
    for name in config.arms:
        if not isinstance(name, str):
            raise ExperimentError(f"arms holds {name!r}; expected names, as in arms=[none,memory]")
    twice = [kind for kind, count in Counter(config.stream.kinds).items() if count > 1]
    if twice:
        raise ExperimentError(f"stream.kinds names {twice[0]} twice; name each once, all come equally often")
    if config.tracker and config.tracker not in registry.names("trackers"):
        raise unknown_name("tracker", config.tracker, registry.names("trackers"))


def _check_comparisons(comparisons: Sequence[Sequence[str]], names: Sequence[str]) -> None:
    for pair in comparisons:
        if len(pair) != 2:
            raise ExperimentError(f"comparisons holds {pair}; expected pairs of arms, such as [memory,none]")
        for name in pair:
            if name not in names:
                raise unknown_name("arm of a comparison", name, names)


def _default_focus(arms: tuple[Arm, ...]) -> str:
    learners = [arm.name for arm in arms if arm.learns and arm.memory != "none"]
    return (learners or [arm.name for arm in arms])[0]


def to_document(config: RunConfig) -> dict[str, Any]:
    """The configuration as JSON."""
    return dataclasses.asdict(config)


def from_document(document: dict[str, Any]) -> RunConfig:
    """Read a configuration that `to_document` wrote.

    Raises:
        ExperimentError: A key is missing or unknown, as in a file of another version.
    """
    try:
        values = dict(document)
        values["stream"] = StreamConfig(**values["stream"])
        for name in ("planner", "memory"):
            values[name] = PartConfig(**values[name])
        for name in {"learner", "judge", "reflector"} & values.keys():  # files of 0.1.0 have none
            values[name] = PartConfig(**values[name])
        values["limits"] = LimitsConfig(**values["limits"])
        values["budget"] = BudgetConfig(**values.get("budget", {}))  # earlier files have none
        return RunConfig(**values)
    except (KeyError, TypeError) as error:
        raise ExperimentError(f"this configuration was written by another version: {error}") from None


def differences(old: RunConfig, new: RunConfig) -> list[str]:
    """Differing settings that affect the results, as lines `key: old -> new`."""
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
