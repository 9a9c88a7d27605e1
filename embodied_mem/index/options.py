"""How much memory the index may take and from which size on it is compressed."""

from dataclasses import dataclass, fields
from typing import Literal, get_args

from embodied_mem.errors import InvalidQuery

Compression = Literal["auto", "never", "always"]

TARGET_DIMENSION = 384  # the sizes below are for vectors of so many numbers and scale with their bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOptions:
    """Settings of the index; the defaults suit a robot's computer with some gigabytes.

    Attributes:
        compression: `auto` keeps vectors as they are up to `exact_rows` and in a quarter of the memory above;
            `never` keeps them as they are whatever their number; `always` compresses from the first block on.
            Filters and similarities are exact in each case; where more than 20,000 candidates without a
            filter are as near to the best as a byte a number can tell, the others are left out, and the
            recall says so.
        exact_rows: Up to so many vectors of 384 numbers of one field are kept as they are (75 MB).
        scanned_rows: Up to so many are every one compared; above, a search by a vector alone and without a
            filter compares coarse codes first and may miss some, unless `compression` is `never`.
        coarse_recall: The share of the ten best that such a search is to find, as measured on vectors of the
            store itself; the depth of the search follows from it.
        snapshot_rows: A store that is closed saves its index if at least so many entries are newer than the
            last snapshot.
        snapshot_share: And if they are at least this share of all.
    """

    compression: Compression = "auto"
    exact_rows: int = 50_000
    scanned_rows: int = 200_000
    coarse_recall: float = 0.98
    snapshot_rows: int = 5_000
    snapshot_share: float = 0.1

    def __post_init__(self) -> None:
        if self.compression not in get_args(Compression):
            raise InvalidQuery(
                f"compression is {self.compression!r}; expected one of {', '.join(get_args(Compression))}"
            )
        for field in fields(self):
            value = getattr(self, field.name)
            is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
            if field.name.endswith("_rows") and not is_count:
                raise InvalidQuery(f"{field.name} is {value!r}; expected an integer of at least 0")
        for name in ("coarse_recall", "snapshot_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidQuery(f"{name} is {getattr(self, name)!r}; expected a number from 0 to 1")


DEFAULT_OPTIONS = IndexOptions()
