import numpy as np
import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.memory.views.log_values import LogValues
from embodied_mem.memory.views.log_views import LogViews
from embodied_mem.memory.views.view import Follower, Values, View, are_in, gaps_between, is_in
from embodied_mem.records import Experience
from embodied_mem.records.log import Entry, EntryKind, Span


class TestSpans:
    SPANS = (Span(1, 2), Span(5, 7), Span(9, None))

    def test_a_number_is_in_a_span_with_its_ends(self):
        inside = [n for n in range(1, 13) if is_in(n, self.SPANS)]
        assert inside == [1, 2, 5, 6, 7, 9, 10, 11, 12]

    def test_many_numbers_are_told_apart_at_once(self):
        numbers = np.array([1, 3, 5, 7, 8, 9, 99], np.int64)
        assert are_in(numbers, self.SPANS).tolist() == [is_in(n, self.SPANS) for n in numbers.tolist()]
        assert are_in(numbers[:0], self.SPANS).tolist() == []

    def test_gaps_are_what_lies_between(self):
        assert gaps_between(self.SPANS) == ((3, 4), (8, 8))
        assert gaps_between((Span(1, None),)) == ()
        assert gaps_between((Span(4, 6),)) == ((1, 3),)


class TestValues:
    def test_entries_without_one_get_the_default(self):
        values = Values(np.array([2, 5], np.int64), np.array([0.2, 0.5]))
        assert values.of(np.array([5, 9, 1, 2], np.int64), default=-1).tolist() == [0.5, -1, -1, 0.2]

    def test_no_values_give_the_default_alone(self):
        values = Values(np.zeros(0, np.int64), np.zeros(0))
        assert values.of(np.array([5], np.int64), default=-1).tolist() == [-1]


@pytest.fixture
def backend(tmp_path):
    with SqliteBackend(tmp_path / "log.sqlite") as backend:
        yield backend


class TestFollowing:
    def test_what_is_read_twice_after_an_interrupt_counts_once(self, backend, monkeypatch):
        memory = ExperienceMemory(backend)
        memory.record(Experience(task="look", id="a"))
        memory.feedback("a", helped=True)
        memory.feedback("a", helped=True)
        views = LogViews(backend)
        after = LogValues.after

        def interrupted(self, sequence, kinds, paths):
            for row in after(self, sequence, kinds, paths):
                yield row
                if row[0] == 2:  # the first vote is taken in, the second is not
                    raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(LogValues, "after", interrupted)
            with pytest.raises(KeyboardInterrupt):
                views.catch_up()
        views.catch_up()
        votes = views.vote_counts(views.visible(None))
        assert (votes.sequences.tolist(), votes.helped.tolist()) == ([1], [2.0])

    def test_what_was_taken_in_by_one_view_before_an_interrupt_counts_once(self, backend):
        class Counting(View):
            kinds, paths = (EntryKind.EXPERIENCE,), ("id",)
            n = 0

            def add(self, sequence, kind, values):
                self.n += 1

            def clear(self):
                self.n = 0

        class Interrupted(Counting):
            def add(self, sequence, kind, values):
                if sequence == 2 and not interrupted:
                    interrupted.append(sequence)
                    raise KeyboardInterrupt
                super().add(sequence, kind, values)

        for name in "abc":
            ExperienceMemory(backend).record(Experience(task="look", id=name))
        interrupted, views = [], (Counting(), Interrupted())
        follower = Follower(LogValues(backend), views)
        with pytest.raises(KeyboardInterrupt):
            follower.catch_up()
        follower.catch_up()
        assert [view.n for view in views] == [3, 3]

    def test_only_what_is_newer_is_read_again(self, backend, monkeypatch):
        memory = ExperienceMemory(backend)
        memory.record(Experience(task="look", id="a"))
        memory.feedback("a", helped=True)
        views, asked = LogViews(backend), []
        values_since = backend.values_since

        def noted(sequence, **rest):
            asked.append(sequence)
            return values_since(sequence, **rest)

        for n in range(3):
            with monkeypatch.context() as patch:
                patch.setattr(backend, "values_since", noted)
                views.catch_up()
            if n == 1:
                memory.feedback("a", helped=True)
        assert asked == [0, 2]  # not at all while nothing was written

    def test_a_store_with_experiences_alone_is_ready_without_reading_one(self, backend, monkeypatch):
        memory = ExperienceMemory(backend)
        for n in range(20):
            memory.record(Experience(task="look", id=str(n)))
        read = []
        monkeypatch.setattr(backend, "get", read.append)
        monkeypatch.setattr(backend, "changes_since", read.append)
        views = LogViews(backend)
        views.catch_up()
        assert views.visible(None) == (Span(1, None),)
        assert len(views.vote_counts(views.visible(None)).sequences) == 0
        assert len(views.archived(views.visible(None))) == 0
        assert read == []

    def test_after_a_purge_everything_is_read_anew(self, backend):
        memory = ExperienceMemory(backend)
        for name in "ab":
            memory.record(Experience(task="look", id=name))
            memory.feedback(name, helped=True)
        views = LogViews(backend)
        views.catch_up()
        assert views.vote_counts(views.visible(None)).sequences.tolist() == [1, 3]
        assert len(views.duplicates(views.visible(None))[0]) == 2
        backend.delete([3, 4])
        views.catch_up()
        assert views.vote_counts(views.visible(None)).sequences.tolist() == [1]
        assert views.duplicates(views.visible(None))[0].tolist() == [1]

    def test_a_purge_of_what_is_not_the_newest_is_noticed(self, backend):
        memory = ExperienceMemory(backend)
        for name in "ab":
            memory.record(Experience(task="look", id=name))
            memory.feedback(name, helped=True)
        views = LogViews(backend)
        views.catch_up()
        assert views.standing(None).trust.sequences.tolist() == [1, 3]
        backend.delete([1, 2])
        views.catch_up()
        assert views.standing(None).trust.sequences.tolist() == [3]

    def test_the_generation_is_that_of_the_log_and_a_new_one_is_read_once(self, backend, monkeypatch):
        memory = ExperienceMemory(backend)
        for name in "ab":
            memory.record(Experience(task="look", id=name))
            memory.feedback(name, helped=True)
        views, asked = LogViews(backend), []
        views.catch_up()
        backend.delete([3, 4])
        values_since = backend.values_since

        def noted(sequence, **rest):
            asked.append(sequence)
            return values_since(sequence, **rest)

        monkeypatch.setattr(backend, "values_since", noted)
        views.catch_up()
        assert views.generation == backend.generation()
        backend.append([Entry(id="v", kind="feedback", payload={"experience_id": "a", "helped": True})])
        views.catch_up()
        assert asked == [0, 2]


class TestUtility:
    """It is worked out of uses and votes, and kept until one of them is another."""

    @pytest.fixture
    def memory(self, backend):
        memory = ExperienceMemory(backend)
        memory.record(Experience(task="look", id="a"))
        memory.feedback("a", helped=True)
        memory.record(Experience(task="look", id="b", recalled=("a",)))
        return memory

    @pytest.fixture
    def views(self, memory):
        views = LogViews(memory.backend)
        views.catch_up()
        views.utility(views.visible(None))
        return views

    def as_made_anew(self, views, backend):
        both = views, LogViews(backend)
        for each in both:
            each.catch_up()
        return [each.utility(each.visible(None)).values.tolist() for each in both]

    def test_a_further_use_counts_at_once(self, memory, views, backend):
        before = views.utility(views.visible(None)).values.tolist()
        memory.record(Experience(task="look", id="c", recalled=("a",)))
        now, anew = self.as_made_anew(views, backend)
        assert now == anew != before

    def test_a_further_vote_counts_at_once(self, memory, views, backend):
        before = views.utility(views.visible(None)).values.tolist()
        memory.feedback("a", helped=False)
        now, anew = self.as_made_anew(views, backend)
        assert now == anew != before
