"""Settings of the index that cannot be used are refused by name."""

import pytest

from embodied_mem.errors import InvalidQuery
from embodied_mem.index.index_options import IndexOptions


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("compression", "sometimes"),
        ("exact_rows", -1),
        ("snapshot_rows", True),
        ("snapshot_share", -0.1),
    ],
)
def test_an_unusable_setting_is_named(name, value):
    with pytest.raises(InvalidQuery, match=name):
        IndexOptions(**{name: value})


def test_options_of_the_coarse_look_are_taken_and_ignored_with_one_warning():
    with pytest.warns(DeprecationWarning, match="every answer is exact") as told:
        options = IndexOptions(compression="never", scanned_rows=100_000, coarse_recall=0.9)
    assert options == IndexOptions(compression="never")
    assert [(len(told), warning.filename) for warning in told] == [(1, __file__)]
