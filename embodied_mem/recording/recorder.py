"""From running episodes to recorded experiences; shared by the single and the vector wrapper."""

import copy
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

import embodied_mem
from embodied_mem.contracts import HasHorizon, Memory
from embodied_mem.errors import InvalidRecord
from embodied_mem.recording import describe
from embodied_mem.recording.dimension_names import (
    continuous_action_names,
    named_one_by_one,
    observation_parts,
)
from embodied_mem.recording.episode_log import Ending, EpisodeLog, EpisodeStart, first_vectors, plain_seed
from embodied_mem.recording.outcomes import EpisodeSummary, default_outcome, judge
from embodied_mem.recording.plan_log import MakePlan, action_log
from embodied_mem.recording.quick_steps import CAPACITY
from embodied_mem.recording.recording_options import RecordOptions
from embodied_mem.records.experience import Experience, Origin, Outcome, Receipt, Status, Task, instance_id
from embodied_mem.records.json_values import JsonObject, clean_text

if TYPE_CHECKING:
    from gymnasium import Space

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class RecordingCounts:
    """Counts of episodes by what was done with them.

    Attributes:
        begun: Started episodes, plus the further spans of cut ones.
        recorded: Recorded experiences; after `close()` all of them are committed, also in a store with
            `commit_every` above 1.
        not_sampled: Skipped by `sample`.
        not_kept: Skipped by `keep`.
        empty: Started, but abandoned before the first step.
        failed: Lost to an error, which was logged and raised at the next `reset()` or `close()`.
        imagined: Started in a copy of the environment, which does not record (see `record_copies`).
    """

    begun: int = 0
    recorded: int = 0
    not_sampled: int = 0
    not_kept: int = 0
    empty: int = 0
    failed: int = 0
    imagined: int = 0


class Recorder:
    """Builds an experience from each episode and records it.

    Errors of the memory and of user functions never interrupt a step: the first one is stored, and
    `raise_pending` raises it at the next `reset()` or `close()`.

    Args:
        memory: Memory to record into.
        options: Options of recording.
        env: The environment, for its id and action names; None if it is not accessible.
        space: Its action space.

    Attributes:
        counts: Counts of the episodes so far.
        is_silent: Whether nothing is recorded, because the environment is a copy.
    """

    def __init__(self, memory: Memory, options: RecordOptions, *, env: Any, space: "Space[Any]") -> None:
        self.counts = RecordingCounts()
        self.is_silent = False
        self._memory: Memory | None = memory
        self._options = options
        self._environment = _environment_id(env) or options.scope.world
        self._scope = replace(options.scope, world=options.scope.world or self._environment)
        self._versions = {
            "embodied_mem": embodied_mem.__version__,
            "environment": self._environment,
            "gymnasium": version("gymnasium"),
        }
        self._make_plan: MakePlan = action_log(
            space,
            _action_names(env, options),
            dimension_names=options.action_names or continuous_action_names(env),
            max_calls=options.max_calls,
            keep_continuous=options.keep_continuous,
        )
        names = options.observation_names
        self._parts = observation_parts(env) if names is None else named_one_by_one(names)
        self._pending: Exception | None = None
        self._newest: Receipt | None = None
        self._checked_in: int | None = None

    def of_copy(self) -> "Recorder":
        """Return the recorder of a copy of the environment."""
        twin = copy.copy(self)
        twin.counts, twin._pending, twin._newest = RecordingCounts(), None, None
        if self._options.record_copies:
            twin._options = replace(self._options, metadata={**self._options.metadata, "is_copy": True})
        else:
            twin.is_silent, twin._memory = True, None  # so that copying does not open the store again
        return twin

    def log_of_copy(self, log: EpisodeLog | None) -> EpisodeLog | None:
        """Return the log of a copied environment: what was done before the copy, as an attempt of its own."""
        if log is None:
            return None
        twin = copy.copy(log)
        twin.start = replace(log.start, attempt=self._options.make_id())
        return twin

    def check_memory(self) -> None:
        """Read from the memory once per process, so that an invalid handle fails before the first step.

        Raises:
            ForkedHandle: The memory was opened in the parent process; open it again in the sub-environment.
            StoreError: The memory is closed.
        """
        if self._checked_in != os.getpid():
            if isinstance(self._memory, HasHorizon):
                self._memory.horizon()
            self._checked_in = os.getpid()

    def begin(
        self,
        observation: Any,
        info: Mapping[str, Any],
        *,
        episode: int,
        seed: Any = None,
        options: Mapping[str, Any] | None = None,
        made_with: JsonObject | None = None,
    ) -> EpisodeLog | None:
        """Return a log for a new episode; None if the episode is not sampled or failed to start.

        Its problem is named by the seed, the options of the reset and what the environment was made with.
        """
        if self.is_silent:
            self.counts.imagined += 1
            return None
        self.counts.begun += 1
        rng = self._options.rng
        if self._options.sample < 1 and rng is not None and rng.random() >= self._options.sample:
            self.counts.not_sampled += 1
            return None
        known_seed = plain_seed(seed)
        instance = self._instance(known_seed, options, made_with or {})
        try:
            start = EpisodeStart(
                task=self._task(observation, info, instance=instance),
                attempt=self._options.make_id(),
                episode=episode,
                seed=known_seed,
                observation=_copied(observation),
                state=describe.observation_text(observation, self._parts),
                parts=self._parts,
                vectors=first_vectors(observation),
            )
        except Exception as error:  # an unusual observation or id must not interrupt a step
            self.lose(error, f"episode {episode} began")
            return None
        return EpisodeLog(start, self._make_plan())

    def is_full(self, episode: EpisodeLog) -> bool:
        """Whether the episode has reached `max_steps_per_experience`."""
        limit = self._options.max_steps_per_experience
        return limit is not None and episode.steps >= limit

    def room(self, episode: EpisodeLog) -> int:
        """Return the number of steps that may be buffered before the next cut."""
        limit = self._options.max_steps_per_experience
        return CAPACITY if limit is None else limit - episode.steps - 1

    def cut(self, episode: EpisodeLog, ending: Ending, **metadata: Any) -> EpisodeLog:
        """Record a running episode up to here and return a new log for the rest."""
        self.finish(episode, ending, **metadata)
        self.counts.begun += 1
        return EpisodeLog(episode.next_span(_copied(ending.observation)), self._make_plan())

    def finish(self, episode: EpisodeLog, ending: Ending, **metadata: Any) -> None:
        """Record an episode, however it ended; never raises."""
        if not episode.steps and ending.error is None:
            self.counts.empty += 1
            return
        try:
            experience = self._experience(episode, ending, metadata)
            if self._is_kept(experience):
                assert self._memory is not None, "the recorder of a silent copy begins no episode"
                self._newest = self._memory.record(experience)
                self.counts.recorded += 1
            else:
                self.counts.not_kept += 1
        except Exception as error:  # an error of the memory must not interrupt a step
            self.lose(error, f"episode {episode.start.episode} was recorded")

    def wait_until_committed(self) -> None:
        """Wait until all recorded experiences are committed; never raises.

        With group commit, waiting for the newest record commits all before it.
        """
        try:
            if isinstance(self._newest, Receipt):  # a custom memory may return None
                self._newest.wait()
        except Exception as error:
            self.lose(error, "the last episodes were committed")

    def raise_pending(self) -> None:
        """Raise the first error since the last call, if any."""
        error, self._pending = self._pending, None
        if error is not None:
            raise error

    def lose(self, error: Exception, when: str) -> None:
        """Count an episode lost to an error, and store the error."""
        self.counts.failed += 1
        self._keep_error(error, f"while {when} in {self._environment!r}")

    def _keep_error(self, error: Exception, context: str) -> None:
        """Log an error, and store the first one for `raise_pending`."""
        logger.error("%s %s: %s", type(error).__name__, context, describe.glimpse(error, 1_000))
        if self._pending is None:
            error.add_note(f"Raised {context}; deferred until now to avoid interrupting a step.")
            self._pending = error

    def _task(self, observation: Any, info: Mapping[str, Any], *, instance: str) -> Task:
        source = self._options.task
        found: Task | str | None = None
        try:
            found = source(observation, info) if callable(source) else source
            found = Task(clean_text(found)) if isinstance(found, str) else found
            if not isinstance(found, Task | None):
                raise InvalidRecord(f"task returned {type(found).__name__}; expected a string or a Task")
        except Exception as error:  # from a user's function: the episode gets the default task
            self._keep_error(error, "in the task function")
        if not isinstance(found, Task):
            found = Task(describe.task_text(observation, info, environment=self._environment))
        kind = found.kind or self._environment
        return Task(found.text, kind=kind, instance=found.instance or instance)

    def _instance(
        self, seed: int | str | None, options: Mapping[str, Any] | None, made_with: JsonObject
    ) -> str:
        if not self._environment:
            return ""
        try:
            return instance_id(self._environment, seed=seed, options={**made_with, **(options or {})})
        except Exception:  # options that are not JSON, or of a simulator, identify no reproducible problem
            return ""

    def _experience(self, episode: EpisodeLog, ending: Ending, metadata: Mapping[str, Any]) -> Experience:
        start, summary = episode.start, episode.summary(ending)
        outcome = self._outcome(episode, ending, summary)
        return Experience(
            id=self._options.make_id(),
            task=start.task,
            state=start.state,
            plan=episode.plan.calls(),
            outcome=outcome,
            state_after=summary.last_state,
            scope=self._scope,
            origin=Origin(
                run=self._scope.run,
                attempt=start.attempt,
                episode=start.episode,
                first_step=start.first_step,
                last_step=start.first_step + max(episode.steps - 1, 0),
                versions=self._versions,
            ),
            happened_at_s=self._options.clock(),
            metadata={**episode.metadata(ending), **self._options.metadata, **metadata},
            vectors=start.vectors,
        )

    def _outcome(self, episode: EpisodeLog, ending: Ending, summary: EpisodeSummary) -> Outcome:
        known = default_outcome(summary, episode.explanation)
        if ending.error is not None:
            reason = _raised_text("the environment", ending.error)
            return replace(known, status=Status.TRUNCATED, explanation=_join(reason, episode.explanation))
        if ending.is_cut:
            cut = f"cut after {episode.steps} steps; the episode went on"
            known = replace(known, status=Status.TRUNCATED, explanation=_join(cut, episode.explanation))
        elif not ending.is_over:
            reason = f"left after {episode.steps} steps"
            return replace(known, status=Status.CANCELLED, explanation=_join(reason, episode.explanation))
        try:
            return judge(summary, self._options.rule, known)
        except Exception as error:  # from a user's function: the episode is recorded as unverified
            self._keep_error(error, "in the outcome rule")
            reason = _raised_text("the outcome rule", error)
            return replace(known, status=Status.UNVERIFIED, explanation=_join(reason, episode.explanation))

    def _is_kept(self, experience: Experience) -> bool:
        keep = self._options.keep
        if callable(keep):
            try:
                return bool(keep(experience))
            except Exception as error:  # from a user's function: the episode is recorded
                self._keep_error(error, "in the keep function")
                return True
        return keep == "all" or experience.outcome.is_success


def _raised_text(who: str, error: Exception) -> str:
    return describe.clip(f"{who} raised {type(error).__name__}: {error}", 1_000)


def _join(*parts: str) -> str:
    return "; ".join(filter(None, parts))


def _environment_id(env: Any) -> str:
    """Return the registered id of an environment, else its class name; empty for None."""
    if env is None:
        return ""
    return describe.clip(env.spec.id if env.spec is not None else type(env.unwrapped).__name__, 200)


def _action_names(env: Any, options: RecordOptions) -> dict[int, str]:
    """Return the user's action names, else the environment's; a repeated name counts only once, the first."""
    given = options.action_names
    return describe.told_apart(describe.action_names(env) if given is None else dict(enumerate(given)))


def _copied(observation: Any) -> Any:
    """Return a copy of the observation, because environments may reuse its buffer."""
    if type(observation) is np.ndarray and not observation.dtype.hasobject:
        return observation.copy()
    try:
        return copy.deepcopy(observation)
    except Exception:  # copying a simulator's handle may raise anything
        return observation
