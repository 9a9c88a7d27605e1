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
@given(st.integers(0, 2**32 - 1), st.integers(1, 150))
def test_of_each_block_the_best_are_given_and_no_other_is_above_the_bound(seed, n):
    codes = random_codes(330, seed)
    query = np.random.default_rng(seed).normal(size=D).astype(np.float32)
    products = (codes.astype(np.float64) * STEP + LOW) @ query.astype(np.float64)
    rows, most = made_of(codes).best_in_blocks(query, n)
    assert (np.diff(rows) > 0).all()
    assert len(rows) == 3 * min(n, 100)
    for first in (0, 100, 200):
        block = products[first : first + 100]
        best = set((first + np.argsort(-block)[:n]).tolist())
        missed = best - set(rows.tolist())
        assert all(products[row] <= block[np.argsort(-block)[min(n, 100) - 1]] + 1e-5 for row in missed)
    others = np.setdiff1d(np.arange(300), rows)
    assert products[others].max(initial=-np.inf) <= most + 1e-5


def test_a_column_that_hardly_varies_costs_no_more_than_float32_does():
    step = STEP.copy()
    step[3] = 8e-9  # of a column that is the same everywhere; less than float32 resolves
    codes = random_codes(100)
    made = ByteCodes(LOW, step)
    made.extend(codes)
    query = np.ones(D, np.float32)
    products = (codes.astype(np.float64) * step + LOW) @ query.astype(np.float64)
    rows, most = made.best_in_blocks(query, 100)
    assert rows.tolist() == list(range(100))
    assert most == pytest.approx(products.min(), abs=1e-6)
    assert (np.delete(made.blocks[0], 3, axis=1) == np.delete(codes, 3, axis=1)).all()


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
