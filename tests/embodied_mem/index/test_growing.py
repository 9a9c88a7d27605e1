"""Arrays that grow: what was put in comes out, across every border."""

import numpy as np
import pytest

from embodied_mem.index import growing
from embodied_mem.index.growing import HUGE_PAGE_BYTES, Blocks, GrowingArray, empty_rows


@pytest.fixture
def blocks(monkeypatch):
    monkeypatch.setattr(growing, "BLOCK_BYTES", 3 * 4 * 100)  # 100 rows of 3 numbers
    return Blocks(3, np.float32)


def rows(first, last):
    return np.arange(3 * first, 3 * last, dtype=np.float32).reshape(-1, 3)


@pytest.mark.parametrize("sizes", [[1] * 7, [99, 1, 1], [100, 100], [250], [3, 297, 50], [64, 1, 40]])
def test_rows_come_back_across_the_borders_of_blocks(blocks, sizes):
    n = 0
    for size in sizes:
        blocks.extend(rows(n, n + size))
        n += size
    assert len(blocks) == n
    whole = np.concatenate([part for _, part in blocks.parts(0, n)])
    np.testing.assert_array_equal(whole, rows(0, n))
    wanted = np.arange(0, n, 3)
    buffer = np.empty((len(wanted), 3), np.float32)
    np.testing.assert_array_equal(blocks.take(wanted, buffer), rows(0, n)[wanted])


def test_a_stretch_comes_in_parts_that_say_where_they_begin(blocks):
    blocks.extend(rows(0, 250))
    assert [(first, len(part)) for first, part in blocks.parts(90, 210)] == [(90, 10), (100, 100), (200, 10)]


def test_full_blocks_are_never_moved_again(blocks):
    blocks.extend(rows(0, 100))
    first = blocks.blocks[0]
    blocks.extend(rows(100, 900))
    assert blocks.blocks[0] is first


def test_room_at_the_end_stays_small():
    blocks = Blocks(384, np.float32)
    for _ in range(25):
        blocks.extend(np.zeros((1000, 384), np.float32))
    assert blocks.nbytes <= 25_000 * 384 * 4 + growing.BLOCK_BYTES


def test_a_flat_array_grows_by_an_eighth_and_keeps_its_items():
    array = GrowingArray(np.int64)
    for start in range(0, 30_000, 7):
        array.extend(range(start, start + 7))
    assert array.items.tolist() == list(range(30_002))[: len(array)]
    assert array.nbytes <= 8 * len(array) * 9 / 8 + 8 * 16


def test_whole_blocks_are_adopted_without_a_copy(blocks):
    given = rows(0, 250)
    given.setflags(write=False)
    blocks.adopt(given)
    assert [np.shares_memory(block, given) for block in blocks.blocks] == [True, True, False]
    blocks.extend(rows(250, 400))
    blocks.adopt(rows(400, 520))
    assert len(blocks) == 520
    np.testing.assert_array_equal(np.concatenate([part for _, part in blocks.parts(0, 520)]), rows(0, 520))


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_large_blocks_begin_at_a_huge_page_and_small_ones_take_no_more_than_they_need(dtype):
    large = empty_rows(4 * HUGE_PAGE_BYTES, 1, np.dtype(dtype))
    assert large.ctypes.data % HUGE_PAGE_BYTES == 0
    assert large.shape == (4 * HUGE_PAGE_BYTES, 1)
    assert large.dtype == dtype
    assert large.flags.writeable
    assert large.flags.c_contiguous
    assert empty_rows(10, 3, np.dtype(dtype)).base is None
