"""Environment seeds: the ranges that experiments use, and the seed of each episode."""

import enum
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from embodied_mem.errors import ExperimentError, unknown_name

SEEDS_FILE = Path(__file__).with_name("seeds.yaml")


class Phase(enum.StrEnum):
    """The two parts of a lifetime."""

    LEARN = "learn"
    HELD_OUT = "held_out"


@dataclass(frozen=True, slots=True)
class SeedRange:
    """A range of environment seeds, divided into one block per lifetime.

    Attributes:
        name: `tuning` or `report`.
        first: First seed.
        last: Last seed, included.
        per_lifetime: Seeds of one lifetime, an even number; half for each phase.
    """

    name: str
    first: int
    last: int
    per_lifetime: int

    @property
    def n_lifetimes(self) -> int:
        """Number of blocks, and so of lifetimes."""
        return (self.last - self.first + 1) // self.per_lifetime

    @property
    def episodes_per_phase(self) -> int:
        """Maximum number of episodes in a phase of one lifetime."""
        return self.per_lifetime // 2

    def lifetime_seed(self, block: int) -> int:
        """First seed of a lifetime's block, which also seeds its task order and random draws.

        Raises:
            ExperimentError: The range has no block for this lifetime.
        """
        if not 0 <= block < self.n_lifetimes:
            raise ExperimentError(
                f"there is no block {block} of {self.name} seeds; blocks are 0 to {self.n_lifetimes - 1:,}"
            )
        return self.first + block * self.per_lifetime

    def episode_seed(self, block: int, phase: Phase, index: int) -> int:
        """Seed of one episode, unique to its lifetime, phase and index.

        Raises:
            ExperimentError: The lifetime has no block, or the index is too high for a phase.
        """
        if not 0 <= index < self.episodes_per_phase:
            raise ExperimentError(
                f"{phase} episode {index} has no seed; a phase has at most {self.episodes_per_phase:,}"
            )
        offset = 0 if phase is Phase.LEARN else self.episodes_per_phase
        return self.lifetime_seed(block) + offset + index


@cache
def seed_range(name: str) -> SeedRange:
    """Read a range of `seeds.yaml` by its name.

    Raises:
        UnknownName: There is no range of this name.
    """
    document = _seeds_document()
    per_lifetime = int(document.pop("seeds_per_lifetime"))
    if name not in document:
        raise unknown_name("seed range", name, document)
    return SeedRange(name, int(document[name]["first"]), int(document[name]["last"]), per_lifetime)


def _seeds_document() -> dict[str, Any]:
    from omegaconf import OmegaConf

    document: Any = OmegaConf.to_container(OmegaConf.load(SEEDS_FILE))  # our own file holds a mapping
    return dict(document)
