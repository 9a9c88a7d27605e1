import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.experience_memory import ExperienceMemory
from embodied_mem.ranking import Votes
from embodied_mem.records import Experience
from embodied_mem.views.log_views import LogViews


def test_what_is_read_twice_after_an_interrupt_counts_once(tmp_path, monkeypatch):
    with SqliteBackend(tmp_path / "log.sqlite") as backend:
        memory = ExperienceMemory(backend)
        memory.record(Experience(task="look", id="a"))
        memory.feedback("a", helped=True)
        memory.feedback("a", helped=True)
        views = LogViews(backend)
        changes_since = backend.changes_since

        def interrupted(sequence, *, limit=None):
            if sequence == 2:  # the second vote
                raise KeyboardInterrupt
            return changes_since(sequence, limit=limit)

        with monkeypatch.context() as patch:
            patch.setattr(backend, "changes_since", interrupted)
            with pytest.raises(KeyboardInterrupt):
                views.catch_up()
        views._read_until = dict.fromkeys(views._read_until, 0)  # the worst moment: read and not yet noted
        views.catch_up()
        assert views.votes(views.visible(None)) == {1: Votes(helped=2)}
