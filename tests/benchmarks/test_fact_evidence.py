"""The evidence benchmark counts what a memory shows within a budget, and what is stale in it."""

import asyncio

import pytest

from benchmarks.fact_evidence import counted, main, summary
from embodied_mem.records.observation_record import ObservationRecord

CUP_ON_TABLE, CUP_IN_SINK = ["cup", "on", "table"], ["cup", "in", "sink"]
LONG = "This is a kitchen of no importance whatsoever, with walls and a floor, as kitchens have. " * 8


def moment(text, *visible, facts):
    return ObservationRecord(text=text, facts={"visible": list(visible), "facts": list(facts)})


KITCHEN = moment("The cup is on the table.", CUP_ON_TABLE, facts=[CUP_ON_TABLE])
SINK = moment(f"{LONG} The cup is in the sink.", CUP_IN_SINK, facts=[CUP_IN_SINK])
HALL = moment("You are in the hall.", ["player", "in", "hall"], facts=[CUP_IN_SINK, ["player", "in", "hall"]])


def test_facts_fit_where_texts_do_not_and_a_moment_before_the_move_is_stale():
    counts = asyncio.run(counted([KITCHEN, SINK, HALL]))
    assert counts.n == 1
    assert (counts.evidence["facts", 25], counts.stale["facts", 25]) == (1, 0)
    assert (counts.evidence["full history", 25], counts.evidence["full history", 400]) == (0, 1)
    assert (counts.evidence["text", 25], counts.stale["text", 25]) == (0, 1)


def test_the_summary_compares_with_facts():
    games = [asyncio.run(counted([KITCHEN, SINK, HALL])) for _ in range(3)]
    [row] = [each for each in summary(games) if (each["arm"], each["tokens"]) == ("full history", 25)]
    assert (row["evidence"], row["facts_minus_this"]) == (0.0, (1.0, 1.0))


@pytest.mark.parametrize("world", ["no_such_world", "minigrid:DoorKey-5x5"])
def test_a_world_that_cannot_be_asked_is_named(world, capsys):
    pytest.importorskip("minigrid")
    assert main(["--worlds", world, "--games", "1"]) == 2
    assert world.split(":")[0] in capsys.readouterr().err
