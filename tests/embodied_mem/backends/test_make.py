"""A back end is made by its registered name."""

import pytest

from embodied_mem import Experience, ExperienceMemory, registry
from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.backends.make import make_backend
from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import StoreError, UnknownName


@pytest.mark.parametrize("name", registry.names("backends"))
def test_each_registered_back_end_carries_a_memory(tmp_path, name):
    options = {"path": tmp_path / "log.sqlite"} if name == "sqlite" else {}
    memory = ExperienceMemory(make_backend(name, **options))
    memory.record(Experience(task="open the door", id="a"))
    assert [hit.experience.id for hit in memory.recall("door")] == ["a"]
    memory.close()


def test_options_reach_the_back_end(tmp_path):
    with make_backend("sqlite", path=tmp_path / "log.sqlite", commit_every=3) as backend:
        assert isinstance(backend, SqliteBackend)
        assert backend.commit_every == 3
    assert isinstance(make_backend("in_memory"), InMemoryBackend)


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(UnknownName, match=r"Unknown back end 'sqlit'\. Did you mean 'sqlite'"):
        make_backend("sqlit")


@pytest.mark.parametrize(
    ("options", "message"),
    [({}, "back end 'sqlite' cannot be made with"), ({"path": "x", "pool": 3}, r"with \['path', 'pool'\]")],
)
def test_options_that_do_not_fit_are_refused_by_name(options, message):
    with pytest.raises(StoreError, match=message):
        make_backend("sqlite", **options)


def test_what_is_no_back_end_is_refused(monkeypatch):
    monkeypatch.setattr(registry, "load", lambda group, name: dict)
    with pytest.raises(StoreError, match="back end 'mine' is dict; expected append, get, changes_since"):
        make_backend("mine")
