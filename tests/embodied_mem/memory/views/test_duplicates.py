import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem.memory.views.duplicates import MAX_COMPARED, Duplicates
from embodied_mem.records import Experience, Outcome, SkillCall
from embodied_mem.records.codec import experience_to_document
from embodied_mem.records.filters import lookup

OPEN = SkillCall("open", {"object": "fridge"})
DIGITS_AS_LETTERS = str.maketrans("0123456789", "abcdefghij")
LONG = " ".join(f"object{n}" for n in range(20))


def tried(state="the fridge is closed", **changes):
    values = {"task": "open the fridge", "plan": (OPEN,), "outcome": Outcome(status="success")}
    return Experience(**{**values, **changes}, state=state)


def read(view, experiences, first=1):
    for sequence, experience in enumerate(experiences, first):
        document = experience_to_document(experience)
        values = {path: lookup(document, path)[1] for path in view.paths}
        view.add(sequence, "experience", values)
    return view


def leaders(*experiences):
    return read(Duplicates(), experiences).leaders()[1].tolist()


def test_a_thousand_copies_are_one():
    assert leaders(*[tried() for _ in range(1_000)]) == [1] * 1_000


def test_the_same_plan_with_the_opposite_outcome_stays_two():
    assert leaders(tried(), tried(outcome=Outcome(status="failure"))) == [1, 2]


def test_nine_tenths_of_the_words_of_the_state_are_enough():
    nine = " ".join("abcdefghi")
    assert leaders(tried(f"{nine} j"), tried(nine)) == [1, 1]
    assert leaders(tried(f"{nine} j"), tried(f"{nine} k")) == [1, 2]
    assert leaders(tried(LONG), tried(f"{LONG} more again")) == [1, 1]


def test_another_task_plan_or_kind_is_another_experience():
    others = [tried(task="close the fridge"), tried(plan=()), tried(kind="repair")]
    assert leaders(tried(), *others) == [1, 2, 3, 4]


def test_the_words_of_a_task_count_and_not_how_they_are_written():
    assert leaders(tried(), tried(task="Open the FRIDGE!")) == [1, 1]


def test_states_without_words_are_the_same():
    assert leaders(tried(""), tried("?!")) == [1, 1]


def test_what_is_hidden_represents_nothing():
    view = read(Duplicates(hidden=((1, 1),)), [tried(), tried(), tried()])
    assert [column.tolist() for column in view.leaders()] == [[2, 3], [2, 2]]


STATES = st.lists(st.sampled_from("abcdefghijklmnop"), min_size=9, max_size=16).map(" ".join)


def are_alike(one, other):
    return 10 * len(one & other) >= 9 * len(one | other)


@given(st.lists(STATES, max_size=30))
@settings(max_examples=150)
def test_everyone_is_like_who_represents_it_and_representatives_are_unlike(states):
    words = [frozenset(state.split()) for state in states]
    found = [leader - 1 for leader in leaders(*[tried(state) for state in states])]
    assert all(found[leader] == leader <= place for place, leader in enumerate(found))
    assert all(are_alike(words[place], words[leader]) for place, leader in enumerate(found))
    firsts = sorted(set(found))
    assert not any(are_alike(words[a], words[b]) for n, a in enumerate(firsts) for b in firsts[:n])


@pytest.mark.parametrize("name", [str, lambda n: "q" + str(n).translate(DIGITS_AS_LETTERS)])
def test_quadratic_insert_hipporag_170(monkeypatch, name):
    """Reading the ten-thousandth costs no more than twice the thousandth: HippoRAG's insert is quadratic."""
    view, counts, compared = Duplicates(), [0], []
    candidates = Duplicates._candidates

    def noted(*asked):
        compared.extend(found := list(candidates(*asked)))
        return found

    monkeypatch.setattr(Duplicates, "_candidates", noted)
    for n in range(10_000):
        words = f"tool {name(n)} lies in drawer {name(n + 7)} of the red bench at the far wall"
        read(view, [tried(words)], n + 1)
        counts.append(len(compared))  # as no two are alike, all candidates are compared
    at_1_000, at_10_000 = ((counts[n] - counts[n - 500]) / 500 for n in (1_000, 10_000))
    assert 0 < at_10_000 <= 2 * at_1_000
    assert at_10_000 <= MAX_COMPARED
