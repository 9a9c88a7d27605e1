"""Tests of a log that several handles write: what any of them sees is a prefix of the log."""

from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from embodied_mem.backends.capabilities import CanDefer
from embodied_mem.contracts import Backend
from embodied_mem.records.log import Entry, EntryKind, Search, Span

N_ENTRIES = 30  # of each handle


class SharedLogTests:
    """Tests of two handles of one log; part of `BackendContract`.

    A reader remembers the newest sequence number that it has seen and asks for later ones only. An entry that
    becomes visible below that number, because it got its number before another one and was committed after
    it, would never be read.
    """

    def second_handle(self, backend: Backend) -> Backend:
        """Return another handle of the same log, with the same options; override this if there can be one."""
        pytest.skip("this log has one handle; if others can open it, override second_handle")

    def test_what_one_handle_writes_the_other_sees_in_the_same_order(self, backend: Backend) -> None:
        """Numbers, entries and searches are equal."""
        other = self.second_handle(backend)
        for number in range(6):
            (backend, other)[number % 2].append([_entry(f"entry-{number}")])
        assert list(backend.changes_since(0)) == list(other.changes_since(0))
        assert [logged.entry.id for logged in other.changes_since(0)] == [f"entry-{n}" for n in range(6)]
        assert _newest(backend) == _newest(other)
        other.close()

    def test_an_entry_that_waited_comes_after_those_committed_meanwhile(self, backend: Backend) -> None:
        """A queued entry gets its number when it is committed, not when it is queued."""
        other = self.second_handle(backend)
        if not isinstance(backend, CanDefer) or backend.commit_every < 2:
            pytest.skip("this handle does not queue entries; open it with a commit_every of at least 2")
        deferred = backend.defer(_entry("waits"))
        [appended] = other.append([_entry("passes")])
        seen = _newest(other)
        backend.flush()
        assert deferred.appended is not None
        assert deferred.appended.sequence > seen == appended.sequence
        assert [logged.entry.id for logged in other.changes_since(seen)] == ["waits"]
        other.close()

    def test_no_entry_becomes_visible_below_one_that_was_seen(self, backend: Backend) -> None:
        """Two handles write at the same time while a third follows the log."""
        writers = (backend, self.second_handle(backend))
        reader = self.second_handle(backend)
        followed: list[int] = []
        with ThreadPoolExecutor(len(writers)) as pool:
            writing = [pool.submit(_write, writer, f"writer {n}") for n, writer in enumerate(writers)]
            while not all(map(Future.done, writing)):
                _follow(reader, followed)
        acknowledged = [number for future in writing for number in future.result()]
        _follow(reader, followed)
        assert followed == sorted(acknowledged)
        assert [logged.sequence for logged in reader.changes_since(0)] == followed
        for handle in (writers[1], reader):
            handle.close()


def _write(backend: Backend, name: str) -> list[int]:
    return [backend.append([_entry(f"{name}, {n}")])[0].sequence for n in range(N_ENTRIES)]


def _follow(reader: Backend, followed: list[int]) -> None:
    """Read the log from the newest entry seen, as every cache of it does."""
    seen = followed[-1] if followed else 0
    followed += [logged.sequence for logged in reader.changes_since(seen)]


def _newest(backend: Backend) -> int:
    found = backend.search(Search(kind=None, spans=(Span(),), k=1)).sequences
    return found[0] if found else 0


def _entry(name: str) -> Entry:
    return Entry(id=name, kind=EntryKind.EXPERIENCE, payload={"id": name}, texts={"task": name})
