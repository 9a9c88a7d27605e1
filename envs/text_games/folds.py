"""Which part of a published benchmark a seed belongs to: learning and held-out episodes never share a game.

The seeds of experiments come in blocks of 2,000: 1,000 for learning, then 1,000 held out
(`experiments/seeds.yaml`, with which a test compares this). Learning plays the fold `train`, and held-out
episodes play `dev` on tuning seeds and `test` on report seeds.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from embodied_mem.errors import InvalidRecord

Fold: TypeAlias = Literal["train", "dev", "test"]

FOLDS: tuple[Fold, ...] = ("train", "dev", "test")
SEEDS_PER_BLOCK = 2_000
FIRST_REPORT_SEED = 300_000  # tuning seeds are below


def fold_of(seed: int) -> Fold:
    """The fold of an episode's seed."""
    if seed % SEEDS_PER_BLOCK < SEEDS_PER_BLOCK // 2:
        return "train"
    return "dev" if seed < FIRST_REPORT_SEED else "test"


def check_fold(fold: str | None) -> None:
    """Reject a fold that does not exist; None stands for that of each seed.

    Raises:
        InvalidRecord: It is none of the three.
    """
    if fold is not None and fold not in FOLDS:
        raise InvalidRecord(
            f"the fold is {fold!r:.200}; expected train, dev or test, or none for the seed's own"
        )


def pick(seed: int, among: Sequence[int]) -> int:
    """The game of a seed among those of its fold; seeds that differ by their number share a game."""
    return among[seed % len(among)]
