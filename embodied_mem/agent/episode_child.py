"""The process of isolated episodes: it holds worlds and a planner, and asks its parent for memory.

It reads orders from standard input and writes what happens to standard output, as it happens, so that the
parent still has the episode so far if this process dies.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import Any, cast

import numpy as np

from embodied_mem.agent.answers import Answers, run_to_end
from embodied_mem.agent.episode_run import EpisodeRun, Listener, Setup
from embodied_mem.contracts import Memory, Planner, World
from embodied_mem.errors import EpisodeError, InvalidQuery, StoreError
from embodied_mem.isolation.heartbeat import Heartbeat
from embodied_mem.isolation.json_process import JsonChannel
from embodied_mem.isolation.recipe import Recipe
from embodied_mem.records.decisions import CallRecord
from embodied_mem.records.episodes import DecisionRecord, Trace
from embodied_mem.records.experience import Experience, Outcome, Recalled, Receipt, Task
from embodied_mem.records.json_values import JsonValue, error_text
from embodied_mem.records.limits import Limits
from embodied_mem.records.observation_record import ObservationRecord
from embodied_mem.records.queries import Query
from embodied_mem.records.recollection import Recollection
from embodied_mem.records.record_json import record_from_json, record_to_json
from embodied_mem.records.skills import Observation


def main() -> None:
    """Serve until standard input ends."""
    EpisodeChild(JsonChannel()).serve()


class EpisodeChild:
    """Plays the episodes that it is told to.

    Args:
        channel: Orders and answers.
    """

    def __init__(self, channel: JsonChannel) -> None:
        self._channel = channel
        self._worlds: dict[Recipe, World] = {}
        self._planner: tuple[Recipe | None, Planner | None] = (None, None)
        self._run: EpisodeRun | None = None
        self._heartbeat: Heartbeat | None = None

    def serve(self) -> None:
        """Carry out orders for ever."""
        while True:
            order = self._channel.receive()
            try:
                self._play(order) if order["do"] == "play" else self._reflect(order)
            except Exception as error:  # told to the parent, which raises it there
                self._channel.send({"event": "failed", "message": error_text(error)})

    def _play(self, order: dict[str, Any]) -> None:
        planner = self._planner_of(_recipe(order["planner"]))
        self._run = run = EpisodeRun(
            self._world_of(_recipe(order["world"])),
            self._setup(planner, order),
            answers=Answers(in_loop=False),
            episode=order["episode"],
            listener=_Reporter(self._channel),
            heartbeat=self._heartbeat_at(order["heartbeat"]),
        )
        self._channel.send({"event": "playing", "planner": run.description})
        with _without_output() if order["is_quiet"] else contextlib.nullcontext():
            trace = run_to_end(run.play(seed=order["seed"], options=order["options"]))
        if isinstance(run.raised, SystemExit):
            os._exit(run.raised.code if isinstance(run.raised.code, int) else 1)  # the parent says so
        self._channel.send({"event": "ended", **_end(trace), **_images(run, order["wants_images"])})

    def _setup(self, planner: Planner, order: dict[str, Any]) -> Setup:
        remote = RemoteMemory(self._channel)
        has_horizon = order["horizon"] is not None
        memory: Memory = RemoteMemoryWithHorizon(self._channel, order["horizon"]) if has_horizon else remote
        return Setup(
            planner=planner,
            memory=memory if order["has_memory"] else None,
            limits=Limits(**order["limits"]),
            guard_leakage=order["guard_leakage"],
            answer=self._ask if order["has_answer"] else None,
            policies=[_recipe(policy).make() for policy in order["policies"]],
        )

    def _reflect(self, order: dict[str, Any]) -> None:
        assert self._run is not None
        reflection = run_to_end(self._run.reflect(record_from_json(Outcome, order["outcome"])))
        self._channel.send({"event": "reflected", "reflection": record_to_json(reflection)})

    def _heartbeat_at(self, path: str) -> Heartbeat:
        if self._heartbeat is None:
            self._heartbeat = Heartbeat(path)
        return self._heartbeat

    def _ask(self, question: str, observation: Observation) -> str:
        self._channel.send({"event": "ask", "question": question, "seen": observation.text})
        said = self._channel.receive()
        if "error" in said:
            raise EpisodeError(said["error"])
        return str(said["answer"])

    def _world_of(self, recipe: Recipe) -> World:
        if recipe not in self._worlds:
            self._worlds[recipe] = recipe.make()
        return self._worlds[recipe]

    def _planner_of(self, recipe: Recipe) -> Planner:
        if self._planner[0] != recipe:  # one at a time: some hold a language model
            self._planner = recipe, recipe.make()
        return cast("Planner", self._planner[1])


class RemoteMemory:
    """The parent's memory, for recalls only; the loop records in the parent.

    Args:
        channel: To the parent.
    """

    def __init__(self, channel: JsonChannel) -> None:
        self._channel = channel

    def record(self, experience: Experience) -> Receipt:
        """Refuse: the parent records."""
        raise StoreError("an isolated episode does not record; its parent does")

    def feedback(self, experience_id: str, *, helped: bool) -> None:
        """Refuse: the parent gives feedback."""
        raise StoreError("an isolated episode gives no feedback; its parent does")

    def recall(self, query: Query, /) -> list[Recalled]:
        """Return what the parent's memory recalls, without vectors.

        Raises:
            InvalidQuery: Memory refused the query.
            StoreError: Memory raised another error.
        """
        self._channel.send({"event": "recall", "query": record_to_json(query)})
        answer = self._channel.receive()
        if "refused" in answer:
            raise InvalidQuery(answer["refused"])
        if "error" in answer:
            raise StoreError(answer["error"])
        hits = [record_from_json(Recalled, hit) for hit in answer["hits"]]
        return Recollection(hits, n_candidates=answer["n_candidates"], is_exact=answer["is_exact"])


class RemoteMemoryWithHorizon(RemoteMemory):
    """The same over a memory with a horizon, which was read when the episode began."""

    def __init__(self, channel: JsonChannel, horizon: int) -> None:
        super().__init__(channel)
        self._horizon = horizon

    def horizon(self) -> int:
        """Return the newest sequence number at the start of the episode."""
        return self._horizon


class _Reporter(Listener):
    """Tells the parent what happens."""

    def __init__(self, channel: JsonChannel) -> None:
        self._channel = channel

    def begun(self, task: Task, first: ObservationRecord) -> None:
        self._channel.send({"event": "begun", "task": record_to_json(task), "first": record_to_json(first)})

    def decided(self, record: DecisionRecord) -> None:
        self._channel.send({"event": "decided", "record": record_to_json(record)})

    def called(self, record: CallRecord) -> None:
        self._channel.send({"event": "called", "record": record_to_json(record)})


@contextlib.contextmanager
def _without_output() -> Iterator[None]:
    quiet = contextlib.redirect_stdout
    with open(os.devnull, "w", encoding="utf-8", errors="replace") as nothing, quiet(nothing):
        yield


def _end(trace: Trace) -> dict[str, JsonValue]:
    told = ("task", "first", "calls", "decisions")  # as they happened
    names = [name for name in Trace.__dataclass_fields__ if name not in told]
    return {"trace": {name: record_to_json(getattr(trace, name)) for name in names}}


def _images(run: EpisodeRun, are_wanted: bool) -> dict[str, JsonValue]:
    if not are_wanted:
        return {}
    return {
        name: {key: record_to_json(np.asarray(image)) for key, image in observation.images.items()}
        for name, observation in (("first_images", run.first), ("last_images", run.last))
    }


def _recipe(said: dict[str, Any]) -> Recipe:
    return Recipe(said["factory"], said["options"])


if __name__ == "__main__":
    main()
