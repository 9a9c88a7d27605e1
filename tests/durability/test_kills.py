"""Killed at random times, with one to four writers, readers and checkpoints: nothing acknowledged is lost.

The nightly tier kills a thousand times and prints what it found:

    python -m pytest -m nightly -s tests/durability
"""

import pytest

from tests.durability.kill_rounds import KillRounds

pytestmark = pytest.mark.timeout(1_800)

DEFAULT_KILLS = 12
NIGHTLY_KILLS = 1_000


def kill(zygote, folder, n_kills, *, report_every=0):
    rounds = KillRounds(zygote, folder, seed=0)
    for number, found in enumerate(rounds.run(n_kills), start=1):
        assert found.is_good, found
        if report_every and number % report_every == 0:
            print(f"\n{rounds.totals}", end="", flush=True)
    return rounds.totals


def test_nothing_acknowledged_is_lost_or_doubled_by_random_kills(zygote, tmp_path):
    totals = kill(zygote, tmp_path, DEFAULT_KILLS)
    assert totals.kills == DEFAULT_KILLS
    assert totals.acknowledged > DEFAULT_KILLS, "the writers were killed before they had written"


def test_several_processes_may_make_a_store_at_the_same_moment(zygote, tmp_path):
    """One that looks while another makes the tables once took them for a stranger's."""
    for number in range(25):
        children = [
            zygote.start(
                "write",
                store=str(tmp_path / f"store-{number}"),
                writer=name,
                acknowledged=str(tmp_path / "acknowledged"),
                count=1,
            )
            for name in ("a", "b", "c", "d")
        ]
        assert [zygote.wait(child) for child in children] == [0] * 4, zygote.output()[-3000:]


@pytest.mark.nightly
def test_nothing_acknowledged_is_lost_or_doubled_by_a_thousand_kills(zygote, tmp_path):
    totals = kill(zygote, tmp_path, NIGHTLY_KILLS, report_every=50)
    print(f"\n{totals}")
    assert totals.acknowledged > 10 * NIGHTLY_KILLS
