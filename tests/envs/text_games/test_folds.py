import pytest

from embodied_mem.envs.text_games.folds import FOLDS, check_fold, fold_of, pick
from embodied_mem.errors import InvalidRecord
from embodied_mem.experiments.seeds import Phase, seed_range


@pytest.mark.parametrize(
    ("name", "phase", "fold"),
    [
        ("tuning", Phase.LEARN, "train"),
        ("tuning", Phase.HELD_OUT, "dev"),
        ("report", Phase.LEARN, "train"),
        ("report", Phase.HELD_OUT, "test"),
    ],
)
def test_the_seeds_of_experiments_play_the_fold_of_their_phase(name, phase, fold):
    seeds = seed_range(name)
    last = seeds.n_lifetimes - 1, seeds.episodes_per_phase - 1
    for block, index in ((0, 0), (0, last[1]), (last[0], 0), last):
        assert fold_of(seeds.episode_seed(block, phase, index)) == fold


def test_seeds_that_follow_one_another_get_different_games():
    assert [pick(seed, [5, 7, 9]) for seed in range(100, 104)] == [7, 9, 5, 7]


def test_an_unknown_fold_is_refused():
    with pytest.raises(InvalidRecord, match="train, dev or test"):
        check_fold("valid")
    for fold in (None, *FOLDS):
        check_fold(fold)
