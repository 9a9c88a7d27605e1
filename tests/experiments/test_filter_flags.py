"""The flags that choose experiences: what they mean, and that they mean the same in every action."""

import argparse
import json

import pytest

from embodied_mem.errors import InvalidQuery, UnknownName
from embodied_mem.experiments.cli import main
from embodied_mem.experiments.memory_command.filter_flags import add_filter, where_of
from embodied_mem.records import Experience, Outcome, Scope
from embodied_mem.records.filters import EVERYTHING, Between, Equals, all_of, where
from embodied_mem.store import MemoryStore


def meant_by(*words):
    parser = argparse.ArgumentParser()
    add_filter(parser)
    return where_of(parser.parse_args(words))


@pytest.mark.parametrize(
    ("words", "filter_"),
    [
        ([], EVERYTHING),
        (["--kind", "repair"], where(kind="repair")),
        (["--outcome", "failure"], where(outcome="failure")),
        (["--person", "Ada", "--run", "7"], where(scope__person="Ada", scope__run="7")),
        (["--agent", "a", "--world", "w"], where(scope__agent="a", scope__world="w")),
        (["--place", "hall"], where(scope__place="hall")),
        (["--after", "0", "--before", "2.5"], Between("happened_at_s", 0.0, 2.5)),
        (["--metadata", "floor=2"], where(metadata__floor=2)),
        (["--metadata", "a.b=true", "--metadata", "c=x=y"], where(metadata__a__b=True, metadata__c="x=y")),
        (["--metadata", 'floor="2"', "--metadata", "n="], where(metadata__floor="2", metadata__n="")),
        (["--metadata", "v1\\.2=[1]"], Equals("metadata.v1\\.2", "[1]")),
        (
            ["--kind", "repair", "--before", "9"],
            all_of(where(kind="repair"), Between("happened_at_s", None, 9)),
        ),
    ],
)
def test_each_flag_means_one_part_of_a_filter(words, filter_):
    assert meant_by(*words) == filter_


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["--outcome", "sucess"], UnknownName, "Did you mean 'success'?"),
        (["--person", ""], InvalidQuery, "--person is empty; give a value, or leave the flag out"),
        (["--outcome", ""], InvalidQuery, "--outcome is empty"),
        (
            ["--metadata", "floor"],
            InvalidQuery,
            "--metadata is 'floor'; expected NAME=VALUE, such as floor=2",
        ),
        (["--metadata", "=2"], InvalidQuery, "Expected metadata.<name>"),
        (["--before", "nan"], InvalidQuery, "nan"),
    ],
)
def test_a_flag_that_would_choose_by_nothing_is_refused(words, error, said):
    with pytest.raises(error, match=said):
        meant_by(*words)


@pytest.fixture
def folder(tmp_path):
    with MemoryStore.open(tmp_path / "lab") as store:
        memory = store.memory()
        for n in range(4):
            memory.record(
                Experience(
                    id=f"e{n}",
                    task="look",
                    kind="repair" if n % 2 else "episode",
                    outcome=Outcome(status="failure" if n < 2 else "success"),
                    scope=Scope(person="Ada" if n == 1 else "Bob"),
                    metadata={"floor": n // 2},
                    happened_at_s=float(n),
                )
            )
    return str(tmp_path / "lab")


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        (["--kind", "repair"], ["e1", "e3"]),
        (["--outcome", "success"], ["e2", "e3"]),
        (["--metadata", "floor=0", "--person", "Ada"], ["e1"]),
        (["--after", "1", "--before", "3"], ["e1", "e2"]),
    ],
)
def test_search_purge_and_forget_choose_the_same(folder, capsys, words, chosen):
    main(["memory", "search", folder, *words])
    out = capsys.readouterr().out
    assert [name for name in ("e0", "e1", "e2", "e3") if f"  {name}  " in out] == chosen
    main(["memory", "purge", folder, "--json", *words])
    assert json.loads(capsys.readouterr().out)["purged"] == chosen
    main(["memory", "forget", folder, "--policy", "fifo", "--keep", "0", "--json", *words])
    assert json.loads(capsys.readouterr().out)["archived"] == chosen
