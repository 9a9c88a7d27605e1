"""Ctrl-C, wherever it is noticed, leaves neither a transaction open nor the handle's lock taken."""

import gc
import itertools
import sys
import threading
from functools import partial

import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import StoreError
from embodied_mem.records.log import Search
from embodied_mem.testing.backend import example_entry

CALLS = {
    "append": lambda backend, n: backend.append([example_entry(n)]),
    "flush": lambda backend, n: (backend.defer(example_entry(n)), backend.flush()),
    "search": lambda backend, _: backend.search(Search()),
    "get": lambda backend, _: backend.get([1]),
    "delete": lambda backend, _: backend.delete([1]),
}


@pytest.fixture
def backend(tmp_path):
    with SqliteBackend(tmp_path / "log.sqlite", commit_every=8, busy_timeout_s=0.1) as backend:
        backend.append([example_entry(0)])
        yield backend


def is_interrupted(call, place):
    """Whether Ctrl-C came at this place of a call: where Python looks for signals, counted from 0."""
    places = itertools.count()

    def look(_frame, event, _argument):
        if event in ("call", "c_return") and next(places) == place:
            sys.setprofile(None)
            raise KeyboardInterrupt

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.setprofile(before)
    return False


def is_lock_free(backend):
    found = []

    def look():
        found.append(backend._lock.acquire(blocking=False))
        if found[0]:
            backend._lock.release()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_next_call_finds_neither_lock_nor_transaction(backend, call):
    n_places = 0
    while is_interrupted(partial(call, backend, 1 + n_places), n_places):
        gc.collect(0)  # a generator that was never left is left when nobody holds it
        assert backend._db is None or not backend._db.in_transaction, n_places
        assert is_lock_free(backend), n_places
        backend.flush()
        n_places += 1
        assert n_places < 2_000
    assert n_places > 20
    written = backend.append([example_entry(1 + n_places + 1)])[0].sequence
    assert backend.last_sequence() == written


def test_a_write_within_a_reading_is_refused_and_the_reading_goes_on(backend):
    with backend.reading():
        assert backend.last_sequence() == 1
        with pytest.raises(StoreError):
            backend.append([example_entry(1)])
        assert backend._db.in_transaction
    assert backend.last_sequence() == 1
