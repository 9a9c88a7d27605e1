"""Whether a memory shows where a thing is, at equal budgets: facts, moments behind them, texts, full history.

    python -m benchmarks.fact_evidence --worlds textworld:cooking,textworld:cleaning --json FILE [--games 8]

In each game a player takes random legal calls. After each call every thing that was seen, is out of view and
has not moved is asked for: "take the old key". An answer has *evidence* if what fits into the budget says
where the thing is, and is *stale* if it says where the thing was before. No model is asked, and facts come
from the world, so this is what the memories show and not what a model makes of it; a model that extracts the
facts from texts would miss some.

Worlds are those whose observations give `visible` and `facts`, lists of subject, relation and object.
"""

import argparse
import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from benchmarks.table import markdown
from embodied_mem import Agent, Experience, ExperienceMemory, Limits, Task
from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.envs.make import make_world
from embodied_mem.errors import EmbodiedMemError
from embodied_mem.experiments.outputs import write_atomically
from embodied_mem.experiments.statistics import bootstrap_interval
from embodied_mem.facts import HOME_RULES, FactsOfObservation, Triplet
from embodied_mem.planners.episode_facts import EpisodeFacts
from embodied_mem.planners.random_skill import RandomSkillPlanner
from embodied_mem.records.observation_record import ObservationRecord

BUDGETS = (25, 50, 100, 200, 400)  # tokens
CHARS_PER_TOKEN = 4
PLACED = ("in", "on", "at", "under", "held by")
PLAYER = HOME_RULES.agent
ARMS = ("facts", "moments behind facts", "text", "full history")
N_CALLS, N_MOMENTS, N_FACTS = 60, 10, 60

Key: TypeAlias = tuple[str, int]  # arm and budget


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of what an arm shows: its text, and the facts in it."""

    text: str
    facts: frozenset[Triplet]


@dataclass(slots=True)
class Counts:
    """Answers of one game, by arm and budget."""

    evidence: dict[Key, int]
    stale: dict[Key, int]
    n: int = 0


class Player:
    """What each arm would know in one game."""

    def __init__(self) -> None:
        self._episode = EpisodeFacts("game", extractor=FactsOfObservation(), rules=HOME_RULES)
        self._texts = ExperienceMemory(InMemoryBackend(), clock=lambda: 0.0)
        self._moments: dict[str, Said] = {}

    async def see(self, moment: ObservationRecord) -> None:
        """Take in a moment, unless nothing changed."""
        await self._episode.learn_from(moment)
        source = self._episode.now
        if source not in self._moments:
            self._moments[source] = Said(moment.text, frozenset(_facts(moment, "visible")))
            self._texts.record(Experience(id=source, task=Task(""), kind="note", state=moment.text))

    def shown(self, question: str) -> dict[str, list[Said]]:
        """What each arm shows, most important first."""
        facts = [hit.fact for hit in self._episode.memory.recall(question, limit=N_FACTS)]
        behind = self._episode.memory.episodes_of(facts, k=N_MOMENTS)
        found = self._texts.recall(state=question, k=N_MOMENTS)
        sources = {
            "moments behind facts": [each.source for each in behind],
            "text": [hit.experience.id for hit in found],
            "full history": list(self._moments)[::-1],
        }
        said = {arm: [self._moments[each] for each in of_arm] for arm, of_arm in sources.items()}
        return {"facts": [Said(f"{fact.triplet.text}.", frozenset([fact.triplet])) for fact in facts], **said}


async def counted(moments: Sequence[ObservationRecord]) -> Counts:
    """Ask after each moment of a game for every thing out of view."""
    counts = Counts(defaultdict(int), defaultdict(int))
    player = Player()
    for moment in moments:
        await player.see(moment)
        for place in _out_of_view(moment):
            counts.n += 1
            for arm, pieces in player.shown(f"take the {place.subject}").items():
                for budget in BUDGETS:
                    told = set(_told(pieces, budget * CHARS_PER_TOKEN, place.subject))
                    counts.evidence[arm, budget] += place in told
                    counts.stale[arm, budget] += bool(told - {place})
    return counts


def play(world: str, seed: int) -> list[ObservationRecord]:
    """The moments of a game with random legal calls."""
    agent = Agent(planner=RandomSkillPlanner(), limits=Limits(max_decisions=N_CALLS))
    trace = agent.run_episode(make_world(world), seed=seed).trace
    return [trace.first, *(call.after for call in trace.calls)]


def summary(games: Sequence[Counts]) -> list[dict[str, Any]]:
    """Mean share over games, with intervals, by arm and budget."""
    asked = [game for game in games if game.n]
    found = []
    for arm in ARMS:
        for budget in BUDGETS:
            evidence = [game.evidence[arm, budget] / game.n for game in asked]
            ahead = [(game.evidence["facts", budget] - game.evidence[arm, budget]) / game.n for game in asked]
            found.append(
                {
                    "arm": arm,
                    "tokens": budget,
                    "evidence": float(np.mean(evidence)),
                    "interval": bootstrap_interval(evidence, rng=np.random.default_rng(0)),
                    "facts_minus_this": bootstrap_interval(ahead, rng=np.random.default_rng(0)),
                    "stale": float(np.mean([game.stale[arm, budget] / game.n for game in asked])),
                }
            )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code: 2 where it cannot be run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fact_evidence")
    parser.add_argument("--worlds", required=True, help="names of worlds, with commas between")
    parser.add_argument("--games", type=int, default=8, help="games of each world, by the seeds 0, 1, ...")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    given = parser.parse_args(arguments)
    found: dict[str, Any] = {}
    try:
        for world in given.worlds.split(","):
            games = [asyncio.run(counted(play(world, seed))) for seed in range(given.games)]
            n = sum(game.n for game in games)
            if not n:
                print(f"error: {world} gives no places of things out of view", file=sys.stderr)
                return 2
            found[world] = {"questions": n, "games": len(games), "shares": summary(games)}
            print(
                f"{world}: {n:,} questions in {len(games)} games\n{_table(found[world]['shares'])}\n",
                flush=True,
            )
    except EmbodiedMemError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if given.json:
        write_atomically(given.json, json.dumps(found, indent=1) + "\n")
    return 0


def _table(shares: Sequence[dict[str, Any]]) -> str:
    cells = {
        (each["arm"], each["tokens"]): f"{each['evidence']:.2f} ({each['stale']:.2f})" for each in shares
    }
    head = ("evidence (stale) at tokens", *map(str, BUDGETS))
    return markdown(head, [(arm, *(cells[arm, budget] for budget in BUDGETS)) for arm in ARMS])


def _facts(moment: ObservationRecord, name: str) -> Iterator[Triplet]:
    listed = moment.facts.get(name)
    for fact in listed if isinstance(listed, list) else ():
        if isinstance(fact, list):
            yield HOME_RULES.stored(Triplet(*map(str, fact)))


def _out_of_view(moment: ObservationRecord) -> list[Triplet]:
    """Where the things are that were seen earlier and are not seen now."""
    true, now = set(_facts(moment, "facts")), set(_facts(moment, "visible"))
    return sorted(each for each in true - now if each.relation in PLACED and each.subject != PLAYER)


def _told(pieces: Sequence[Said], n_chars: int, thing: str) -> Iterator[Triplet]:
    """The places of a thing that the pieces say, as far as they fit and name both."""
    for piece in pieces:
        if n_chars <= 0:
            return
        text = piece.text[:n_chars].lower()
        n_chars -= len(text) + 1
        for fact in piece.facts:
            is_named = fact.subject in text and (fact.object in text or fact.object == PLAYER)
            if fact.subject == thing and fact.relation in PLACED and is_named:
                yield fact


if __name__ == "__main__":
    sys.exit(main())
