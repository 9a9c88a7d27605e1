"""The stream of a lifetime: its task kinds in order, with their seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embodied_mem.errors import ExperimentError
from embodied_mem.experiments.seeds import Phase, SeedRange


@dataclass(frozen=True, slots=True)
class Trial:
    """One planned episode; every arm plays the same ones.

    Attributes:
        lifetime: Number of the lifetime, from 0.
        phase: Learning or held out.
        index: Position within the phase, from 0.
        kind: The task kind, such as `babyai:UnlockPickup`.
        seed: The environment's seed.
    """

    lifetime: int
    phase: Phase
    index: int
    kind: str
    seed: int


def trials(
    kinds: Sequence[str],
    *,
    seeds: SeedRange,
    block: int,
    lifetime: int,
    learning_episodes: int,
    held_out_episodes: int,
) -> tuple[Trial, ...]:
    """Return the episodes of a lifetime in order: learning first, then held out.

    Within a phase the counts of two kinds differ by at most one; the order is shuffled for each lifetime.

    Args:
        kinds: Task kinds, each once.
        seeds: Range of the seeds.
        block: Block of the range that this lifetime uses.
        lifetime: Number of the lifetime in the run.
        learning_episodes: Number of learning episodes.
        held_out_episodes: Number of held-out episodes after them.

    Raises:
        ExperimentError: There are no kinds, or fewer seeds than lifetimes or episodes need.
    """
    lengths = {Phase.LEARN: learning_episodes, Phase.HELD_OUT: held_out_episodes}
    order_seed = seeds.lifetime_seed(block)
    return tuple(
        Trial(lifetime, phase, index, kind, seeds.episode_seed(block, phase, index))
        for number, (phase, length) in enumerate(lengths.items())
        for index, kind in enumerate(_kind_order(kinds, length, [order_seed, number]))
    )


def _kind_order(kinds: Sequence[str], length: int, seed: list[int]) -> list[str]:
    if not kinds:
        raise ExperimentError(
            "the stream has no task kinds; name some, as in stream.kinds=[babyai:UnlockPickup]"
        )
    rng = np.random.default_rng(seed)
    whole, rest = divmod(length, len(kinds))
    extra = rng.permutation(len(kinds))[:rest]
    order = rng.permutation(list(range(len(kinds))) * whole + extra.tolist()).astype(int)
    return [kinds[i] for i in order]
