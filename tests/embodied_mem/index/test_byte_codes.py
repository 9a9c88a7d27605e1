"""Bytes that faiss scans: they come back as they went in, and no other product is above what is said."""

import gc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem.index import growing
from embodied_mem.index.byte_codes import ByteCodes

D = 12
LOW = np.linspace(-0.4, -0.1, D, dtype=np.float32)
STEP = np.linspace(0.001, 0.004, D, dtype=np.float32)


@pytest.fixture(autouse=True, scope="module")
def small_blocks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(growing, "BLOCK_BYTES", D * 4 * 100)  # 100 rows
        yield


def random_codes(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, D)).astype(np.uint8)


def made_of(codes, at_once=37):
    made = ByteCodes(LOW, STEP)
    for first in range(0, len(codes), at_once):
        made.extend(codes[first : first + at_once])
    return made


@pytest.mark.parametrize("n", [1, 99, 100, 101, 450])
@pytest.mark.parametrize("at_once", [1, 37, 1_000])
def test_codes_come_back(n, at_once):
    codes = random_codes(n)
    made = made_of(codes, at_once)
    assert made.n_scanned == n // 100 * 100
    assert (np.concatenate([part for _, part in made.parts(0, n)]) == codes).all()
    assert (made.take(np.arange(0, n, 3), np.empty((n, D), np.uint8)) == codes[::3]).all()


def test_codes_that_are_adopted_are_scanned_too():
    codes = random_codes(250)
    made = ByteCodes(LOW, STEP)
    made.adopt(codes)
    assert made.n_scanned == 200
    assert (made.take(np.arange(250), np.empty((250, D), np.uint8)) == codes).all()


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 100), st.integers(0, 330), st.integers(0, 330))
def test_of_each_block_the_best_are_given(seed, n, first, last):
    codes = random_codes(330, seed)
    query = np.random.default_rng(seed).normal(size=D).astype(np.float32)
    made = made_of(codes)
    blocks = made.full_blocks(first, last)
    assert list(blocks) == [block for block in range(3) if first <= 100 * block and 100 * block + 100 <= last]
    if not blocks:
        return
    rows, products = made.best_in(blocks, query, n)
    exact = (codes.astype(np.float64) * STEP + LOW) @ query.astype(np.float64)
    assert np.abs(products - exact[rows]).max() < 1e-5
    for block, found, worst in zip(blocks, rows, products[:, -1], strict=True):
        others = np.setdiff1d(np.arange(100 * block, 100 * block + 100), found)
        assert len(set(found.tolist())) == n
        assert exact[others].max(initial=-np.inf) <= worst + 1e-5


def test_a_column_that_hardly_varies_costs_no_more_than_float32_does():
    step = STEP.copy()
    step[3] = 8e-9  # of a column that is the same everywhere; less than float32 resolves
    codes = random_codes(100)
    made = ByteCodes(LOW, step)
    made.extend(codes)
    query = np.ones(D, np.float32)
    products = (codes.astype(np.float64) * step + LOW) @ query.astype(np.float64)
    rows, found = made.best_in(range(1), query, 100)
    assert np.abs(found[0] - products[rows[0]]).max() < 1e-6
    assert (made.blocks[0] == codes).all()


def test_numpy_keeps_what_it_looks_at():
    codes = random_codes(100)
    made = made_of(codes)
    [(_, seen)] = made.parts(0, 100)
    del made
    gc.collect()
    filler = [np.full(100 * D, 7, np.uint8) for _ in range(1_000)]
    assert (seen == codes).all()
    assert not seen.flags.writeable
    del filler
