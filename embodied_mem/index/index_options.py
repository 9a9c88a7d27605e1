"""Options of the index: compression and snapshots."""

import warnings
from dataclasses import InitVar, dataclass, fields
from typing import Literal, get_args

from embodied_mem.errors import InvalidQuery

Compression = Literal["auto", "never", "always"]

TARGET_DIMENSION = 384  # dimension for which `exact_rows` is given; it scales with the dimension


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOptions:
    """Settings of the index; the defaults suit a robot's computer with some gigabytes.

    Attributes:
        compression: `auto` compresses a field's vectors to a quarter of the memory above `exact_rows`;
            `never` keeps float32; `always` compresses from the first block on. Answers are exact and the
            same in each case.
        exact_rows: Maximum number of uncompressed vectors of one field, for 384 dimensions (75 MB).
        snapshot_rows: A store saves its index at close if more entries than this are newer than the last
            snapshot.
        snapshot_share: And if they are more than this share of all.
        scanned_rows: Deprecated and ignored: every vector is compared.
        coarse_recall: Deprecated and ignored: every answer is exact.
    """

    compression: Compression = "auto"
    exact_rows: int = 50_000
    snapshot_rows: int = 5_000
    snapshot_share: float = 0.1
    scanned_rows: InitVar[int | None] = None
    coarse_recall: InitVar[float | None] = None

    def __post_init__(self, scanned_rows: int | None, coarse_recall: float | None) -> None:
        if scanned_rows is not None or coarse_recall is not None:
            message = "scanned_rows and coarse_recall change nothing any more, as every answer is exact"
            warnings.warn(f"{message}; leave them out of IndexOptions", DeprecationWarning, stacklevel=3)
        if self.compression not in get_args(Compression):
            raise InvalidQuery(
                f"compression is {self.compression!r}; expected one of {', '.join(get_args(Compression))}"
            )
        for field in fields(self):
            value = getattr(self, field.name)
            is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
            if field.name.endswith("_rows") and not is_count:
                raise InvalidQuery(f"{field.name} is {value!r}; expected an integer of at least 0")
        if not 0 <= self.snapshot_share <= 1:
            raise InvalidQuery(f"snapshot_share is {self.snapshot_share!r}; expected a number from 0 to 1")


DEFAULT_OPTIONS = IndexOptions()
