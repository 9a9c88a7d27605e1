import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.records.filters import And, Between, Equals, In, Not, Or, matches, split_path
from embodied_mem.records.log import Entry, Search
from tests.embodied_mem.random_where import combinations, comparisons

PATHS = [
    "kind",
    "task.kind",
    "scope.agent",
    "outcome.status",
    "outcome.reward",
    "outcome.cost.usd",
    "happened_at_s",
    "metadata.a",
    "metadata.a.b",
    "metadata.häß",
    "metadata.back\\slash",
    "metadata.new\nline",
    "metadata.it's",
    r"metadata.v1\.2",
    "position_m",
    "facts.x[0]",
    "facts.$",
    r"facts.\*",
]
STARRED = ["metadata.*", "metadata.a.*", "metadata.*.b", "metadata.*.*", "facts.*", "outcome.cost.*"]
TEXTS = st.sampled_from(
    ["", "a", "A", "1", "true", "null", "a\x00b", "a\x00c", "ä", '"', "\\", "\n", "🙂", "%"]
)
NUMBERS = st.sampled_from(
    [
        0,
        1,
        -1,
        1.0,
        -0.0,
        0.1,
        0.1 + 0.2,
        0.3,
        1e300,
        5e-324,
        2**53,
        2**53 + 1,
        float(2**53),
        2**63 - 1,
        -(2**63),
    ]
) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = TEXTS | NUMBERS | st.booleans() | st.none()
BOUNDS = st.none() | NUMBERS | st.sampled_from([10**30, float("inf"), -float("inf")])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    ),
    max_leaves=4,
)
PLACES = st.lists(st.floats(-2, 2), min_size=2, max_size=3).map(tuple)
LEAVES = comparisons(
    st.sampled_from(PATHS + STARRED),
    SCALARS | st.just(10**30),
    BOUNDS,
    PLACES,
    st.floats(0, 3),
    places=st.sampled_from(["position_m", "metadata.a", "metadata.*"]),
)
FILTERS = combinations(LEAVES)


@st.composite
def documents(draw):
    """A JSON object with some of the paths, holding anything."""
    document = {}
    for path in draw(st.lists(st.sampled_from(PATHS), max_size=6, unique=True)):
        *parents, last = split_path(path)
        at = document
        for name in parents:
            at = at.setdefault(name, {})
            if not isinstance(at, dict):
                break
        else:
            at[last] = draw(VALUES | PLACES.map(list) if path in ("position_m", "metadata.a") else VALUES)
    return document


@pytest.fixture(scope="module")
def backend(tmp_path_factory):
    with SqliteBackend(tmp_path_factory.mktemp("where") / "log.sqlite") as backend:
        yield backend


@settings(max_examples=250)
@given(st.lists(documents(), min_size=1, max_size=8), st.lists(FILTERS, min_size=1, max_size=4))
@example([{"metadata": {"a": "a\x00b"}}], [Equals("metadata.a", "a"), In("metadata.a", ("a", "a\x00b"))])
@example([{"happened_at_s": True}, {"happened_at_s": 2**53 + 1}], [Equals("happened_at_s", float(2**53))])
@example([{"happened_at_s": True}, {"happened_at_s": 1}], [Equals("happened_at_s", 1)])
@example([{"happened_at_s": True}, {"happened_at_s": 1}], [Between("happened_at_s", 0, 2)])
@example([{"happened_at_s": 2**53}], [In("happened_at_s", (2**53 + 1,)), Between("happened_at_s", 2**53 + 1)])
@example(
    [{"outcome": {"status": None}}, {}], [Equals("outcome.status", None), Not(Equals("outcome.status", "a"))]
)
def test_the_back_end_agrees_with_the_reference_evaluator(backend, payloads, filters):
    kind = f"case {backend.last_sequence()}"
    backend.append(
        [Entry(id=f"{kind} {i}", kind=kind, payload=payload) for i, payload in enumerate(payloads)]
    )
    sequences = [logged.sequence for logged in backend.get([f"{kind} {i}" for i in range(len(payloads))])]
    for where in filters:
        expected = {s for s, payload in zip(sequences, payloads, strict=True) if matches(where, payload)}
        found = backend.search(Search(kind=kind, where=where, k=100))
        assert {hit.sequence for hit in found.hits} == expected
        assert found.n_candidates == len(expected)


@pytest.mark.parametrize("combine", [And, Or])
def test_a_filter_of_thousands_of_parts_is_answered(backend, combine):
    backend.append([Entry(id="many", kind="many", payload={"metadata": {"n": 1}})])
    where = combine(tuple(Equals("metadata.n", 1) for _ in range(3000)))
    assert backend.search(Search(kind="many", where=where)).n_candidates == 1


def test_one_of_a_hundred_thousand_values_is_found(backend):
    backend.append([Entry(id="in", kind="in", payload={"task": {"kind": "k99999"}, "metadata": {"n": 5}})])
    where = And((In("task.kind", tuple(f"k{i}" for i in range(100_000))), In("metadata.n", tuple(range(9)))))
    assert backend.search(Search(kind="in", where=where)).n_candidates == 1
    assert backend.search(Search(kind="in", where=Not(where))).n_candidates == 0


@pytest.mark.parametrize("depth", [6, 30, 60])
def test_a_deeply_nested_filter_is_answered(backend, depth):
    kind = f"deep {depth}"
    backend.append([Entry(id=f"{kind} {n}", kind=kind, payload={"metadata": {"n": n}}) for n in range(3)])
    where = Equals("metadata.n", 1)
    for level in range(depth // 2):
        where = Not(Or((Equals("metadata.n", -level - 1), where)))
    payloads = [{"metadata": {"n": n}} for n in range(3)]
    expected = sum(matches(where, payload) for payload in payloads)
    assert expected in (1, 2)
    assert backend.search(Search(kind=kind, where=where)).n_candidates == expected


def test_the_state_of_any_object_of_a_scene_is_found_after_more_is_written_and_after_a_purge(backend):
    def scene(n, state):
        objects = {"apple_1": {"state": state, "tags": ["fruit", n]}, "fridge": {"state": "shut"}}
        return Entry(id=f"scene {n}", kind="scene", payload={"facts": {"objects": objects}})

    def found(where):
        sequences = backend.search(Search(kind="scene", where=where, k=None)).sequences
        return [logged.entry.id for logged in backend.get(sequences)]

    backend.append([scene(n, ("raw", "sliced")[n % 2]) for n in range(4)])
    sliced = Equals("facts.objects.*.state", "sliced")
    assert found(sliced) == ["scene 3", "scene 1"]
    assert found(Equals("facts.objects.apple_1.state", "sliced")) == ["scene 3", "scene 1"]
    backend.append([scene(4, "sliced")])
    assert found(sliced) == ["scene 4", "scene 3", "scene 1"]
    backend.delete([logged.sequence for logged in backend.get(["scene 3"])])
    assert found(sliced) == ["scene 4", "scene 1"]
    assert found(Not(sliced)) == ["scene 2", "scene 0"]
    assert found(In("facts.objects.*.tags.*", (2, "vegetable"))) == ["scene 2"]
