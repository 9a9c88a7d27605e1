"""Settings of the index that cannot be used are refused by name."""

import pytest

from embodied_mem.errors import InvalidQuery
from embodied_mem.index.options import IndexOptions


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("compression", "sometimes"),
        ("exact_rows", -1),
        ("scanned_rows", 1.5),
        ("snapshot_rows", True),
        ("coarse_recall", 1.1),
        ("snapshot_share", -0.1),
    ],
)
def test_an_unusable_setting_is_named(name, value):
    with pytest.raises(InvalidQuery, match=name):
        IndexOptions(**{name: value})
