"""Which episode gets which seed."""

import pytest

from embodied_mem.errors import ExperimentError, UnknownName
from embodied_mem.experiments.seeds import Phase, SeedRange, seed_range

SMALL = SeedRange("small", first=100, last=139, per_lifetime=10)


def test_the_ranges_do_not_overlap():
    tuning, report = seed_range("tuning"), seed_range("report")
    assert tuning.last < report.first or report.last < tuning.first


def test_every_episode_of_every_lifetime_has_a_seed_of_its_own():
    seeds = [
        SMALL.episode_seed(block, phase, index) for block in range(4) for phase in Phase for index in range(5)
    ]
    assert sorted(seeds) == list(range(100, 140))


def test_a_lifetime_beyond_the_range_is_refused():
    with pytest.raises(ExperimentError, match="no block 4 of small seeds"):
        SMALL.lifetime_seed(4)


def test_an_episode_beyond_its_half_of_the_block_is_refused():
    with pytest.raises(ExperimentError, match="at most 5"):
        SMALL.episode_seed(0, Phase.LEARN, 5)


def test_an_unknown_range_names_the_known_ones():
    with pytest.raises(UnknownName, match="report, tuning"):
        seed_range("testing")
