"""Whatever happened and in whatever steps it was read, a view says what one made anew from the log says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.memory.views.log_views import LogViews
from embodied_mem.records import Experience, Outcome, SkillCall, Status, Task
from embodied_mem.records.log import Entry, EntryKind, Search

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["record", "record", "feedback", "archive", "restore", "withdraw"]),
        st.integers(0, 5),
        st.booleans(),
    ),
    min_size=1,
    max_size=16,
)


def play(memory, action, number, flag):
    """One step in the life of a memory."""
    n = memory.horizon()
    if action == "record":
        outcome = Outcome(status=list(Status)[number])
        task, plan = Task("look", kind="AB"[flag]), (SkillCall("go"),) * (number % 2)
        recalled = (f"e{number}", f"e{number}", "nobody")
        state = " ".join("abcdefghijkl"[: 10 + flag])
        memory.record(
            Experience(
                task=task,
                plan=plan,
                outcome=outcome,
                id=f"e{n}",
                recalled=recalled,
                state=state,
                happened_at_s=n if flag else 9.0,
            )
        )
    elif action == "withdraw":
        memory.withdraw(max(0, n - number))
    else:
        payload = {"experience_id": f"e{number}", "helped": flag, "reason": "", "at_s": 0.0}
        memory.backend.append([Entry(id=f"{action} {n}", kind=EntryKind(action), payload=payload)])


def everything(views, as_of):
    """All that the views say as of a sequence number, in plain types."""
    views.catch_up()
    spans = views.visible(as_of)
    votes = views.vote_counts(spans)
    said = {"spans": spans, "archived": views.archived(spans).tolist()}
    columns = (votes.sequences.tolist(), votes.helped.tolist(), votes.not_helped.tolist())
    said["votes"] = list(zip(*columns, strict=True))
    for name in ("uses", "utility", "surprise"):
        values = getattr(views, name)(spans)
        kept = values.sequences <= (as_of or 10**9)
        said[name] = list(zip(values.sequences[kept].tolist(), values.values[kept].tolist(), strict=True))
    for name in ("times_s", "outcomes"):
        values = getattr(views, name)()
        kept = values.sequences <= (as_of or 10**9)
        said[name] = list(zip(values.sequences[kept].tolist(), values.values[kept].tolist(), strict=True))
    said["duplicates"] = [column.tolist() for column in views.duplicates(spans)]
    return said


@given(ACTIONS, st.sets(st.integers(0, 15)), st.integers(1, 16))
@settings(max_examples=60)
def test_read_step_by_step_as_rebuilt(tmp_path_factory, actions, pauses, as_of):
    with SqliteBackend(tmp_path_factory.mktemp("views") / "log.sqlite") as backend:
        memory, views = ExperienceMemory(backend), LogViews(backend)
        for n, action in enumerate(actions):
            play(memory, *action)
            if n in pauses:
                everything(views, None)
                everything(views, as_of)
        assert everything(views, None) == everything(LogViews(backend), None)
        assert everything(views, as_of) == everything(LogViews(backend), as_of)


@given(ACTIONS, ACTIONS)
@settings(max_examples=40)
def test_as_of_a_point_nothing_that_came_later_counts(tmp_path_factory, actions, later):
    with SqliteBackend(tmp_path_factory.mktemp("views") / "log.sqlite") as backend:
        memory, views = ExperienceMemory(backend), LogViews(backend)
        for action in actions:
            play(memory, *action)
        then = memory.horizon()
        said = everything(LogViews(backend), then)
        for action in later:
            play(memory, *action)
        assert everything(views, then) == said


class Plain:
    """A back end with the five methods of the contract alone."""

    def __init__(self, backend):
        self._backend = backend

    def __getattr__(self, name):
        if name not in ("append", "get", "changes_since", "search", "close"):
            raise AttributeError(name)
        return getattr(self._backend, name)


@given(ACTIONS)
@settings(max_examples=30)
def test_a_back_end_that_cannot_read_values_gives_the_same(tmp_path_factory, actions):
    with SqliteBackend(tmp_path_factory.mktemp("views") / "log.sqlite") as backend:
        memory = ExperienceMemory(backend)
        for action in actions:
            play(memory, *action)
        assert everything(LogViews(Plain(backend)), None) == everything(LogViews(backend), None)


def test_ids_of_entries_that_are_no_experiences_are_no_targets(tmp_path):
    with SqliteBackend(tmp_path / "log.sqlite") as backend:
        memory = ExperienceMemory(backend)
        memory.record(Experience(task="look", id="a"))
        memory.feedback("a", helped=True)
        vote = backend.changes_since(1)[0].entry.id
        for reader in (LogValues(backend), LogValues(Plain(backend))):
            assert reader.sequences_of(["a", vote, "nobody"]) == {"a": 1}


@pytest.mark.parametrize("kind", list(EntryKind))
def test_values_are_read_for_every_kind(tmp_path, kind):
    with SqliteBackend(tmp_path / "log.sqlite") as backend:
        payload = {"experience_id": "a", "helped": True, "metadata": {"v1.2": [1, None]}}
        backend.append([Entry(id="x", kind=kind, payload=payload)])
        paths = ("experience_id", "helped", r"metadata.v1\.2", "nothing.here")
        rows = [list(LogValues(each).after(0, (kind,), paths)) for each in (backend, Plain(backend))]
        assert rows[0] == rows[1] == [(1, kind, dict(zip(paths, ("a", True, [1, None], None), strict=True)))]
        assert backend.search(Search(kind=kind)).n_candidates == 1


def test_the_views_of_an_empty_log_say_nothing(tmp_path):
    with SqliteBackend(tmp_path / "log.sqlite") as backend:
        said = everything(LogViews(backend), None)
        assert not any(said[name] for name in said if name not in ("spans", "duplicates"))
        assert np.array(said["duplicates"]).shape == (2, 0)
