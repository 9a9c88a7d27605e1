import json

import pytest

from benchmarks import retrieval
from benchmarks.retrieval import main, scores_of
from benchmarks.retrieval_methods import METHODS
from benchmarks.retrieval_set import SETS, Asked, Text, load_queries, load_texts

TEXTS = [
    Text("a", "pick up the red ball", "seeing a door", ""),
    Text("b", "open the door", "holding nothing", "it was locked"),
    Text("c", "wash the plates", "", ""),
]


@pytest.mark.parametrize("name", SETS)
def test_each_query_has_an_answer_among_the_texts(name):
    ids = {text.id for text in load_texts(name)}
    for query in load_queries(name):
        assert query.relevant
        assert query.relevant <= ids


def test_there_are_enough_queries_and_no_two_texts_of_one_id():
    assert [len(load_queries(name)) for name in SETS] == [60, 425]
    for name in SETS:
        texts = load_texts(name)
        assert len({text.id for text in texts}) == len(texts)


def test_the_halves_stay_as_they_are():
    halves = [[query.half for query in load_queries(name)].count("tuning") for name in SETS]
    assert halves == [39, 219]


@pytest.mark.parametrize("name", METHODS)
def test_each_method_finds_a_text_by_its_own_words_and_nothing_by_strange_ones(name):
    [own, strange] = METHODS[name](TEXTS, ["pick up the red ball", "qqqq"])
    assert own[0] == "a"
    assert strange == []


def test_the_measures_are_those_of_a_ranking():
    query = Asked("q", "red ball", frozenset({"a", "b"}))
    assert scores_of(query, ["x", "a", "y", "b"]) == (0.5, 0.0, 1.0)
    assert scores_of(query, ["a"]) == (1.0, 1.0, 0.5)
    assert scores_of(query, []) == (0.0, 0.0, 0.0)
    assert scores_of(query, ["x"] * 9 + ["a"]) == (0.1, 0.0, 0.0)


def test_of_many_answers_eight_are_asked_for():
    many = Asked("q", "red ball", frozenset(map(str, range(20))))
    assert scores_of(many, list(map(str, range(8))))[2] == 1.0


def test_the_command_writes_a_row_for_each_method_and_half(tmp_path, capsys):
    file = tmp_path / "rows.json"
    methods = ["ours", "FTS5 trigram"]
    main(["--json", str(file), "--sets", "paraphrases", "--half", "tuning", "--methods", *methods])
    ours, trigram = json.loads(file.read_text("utf-8"))
    assert [ours["method"], trigram["method"]] == methods
    assert ours["n_queries"] == 39
    low, high = ours["mrr_at_10_interval"]
    assert low < ours["mrr_at_10"] < high
    assert trigram["mrr_at_10_minus_ours"] == pytest.approx(
        trigram["mrr_at_10"] - ours["mrr_at_10"], abs=1e-3
    )
    assert "FTS5 trigram" in capsys.readouterr().out


def test_ours_is_ahead_of_every_rival_on_the_half_that_it_was_tuned_on():
    """Not on the other half: that would be a look at it each time the tests run."""
    for name in SETS:
        rows = retrieval.measure(
            name,
            ["ours", *(f"{name} by field" for name in ("FTS5 trigram", "FTS5 porter", "BM25"))],
            ["tuning"],
        )
        ours, *rivals = [row["mrr_at_10"] for row in rows]
        assert ours > max(rivals)
