"""`EpisodeFacts`: the facts of one episode, learnt from what is perceived, moment by moment."""

import inspect
from collections.abc import Mapping, Sequence

from embodied_mem.agent.perceived import MAX_CALL_TEXT_CHARS, record_of
from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.facts import Extracted, Extractor, FactMemory, FactRules, Triplet
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.records.decisions import Context
from embodied_mem.records.episodes import added_costs
from embodied_mem.records.experience import Experience
from embodied_mem.records.observation_record import ObservationRecord
from embodied_mem.records.skills import Observation


class EpisodeFacts:
    """A fact memory of one episode, in memory; each moment is a source `<episode>#0`, `<episode>#1`, ...

    The time of a fact counts moments. Facts of earlier episodes may be laid in first.

    Args:
        episode: Id of the episode.
        extractor: Finds the facts of what is perceived.
        rules: Which facts end others.

    Attributes:
        memory: The facts.
        texts: Source -> what was perceived then, in words.
        outdated: The facts that were said to hold no longer.
    """

    def __init__(self, episode: str, *, extractor: Extractor, rules: FactRules) -> None:
        self.memory = FactMemory(ExperienceMemory(InMemoryBackend(), clock=lambda: 0.0), rules=rules)
        self.texts: dict[str, str] = {}
        self.outdated: dict[Triplet, None] = {}
        self._episode, self._extractor, self._rules = episode, extractor, rules
        self._start = 0.0
        self._n_moments = 0  # of the history
        self._last: ObservationRecord | None = None

    @property
    def now(self) -> str:
        """The source of the last moment; empty before the first."""
        return next(reversed(self.texts), "")

    def lay_in(self, facts: Sequence[Experience]) -> None:
        """Begin with facts of earlier episodes, in the order of the log."""
        self.memory.memory.record_all(facts)
        latest = self.memory.latest()
        self._start = 0.0 if latest is None else latest + 1

    async def perceive(self, context: Context) -> Mapping[str, float]:
        """Learn from what was perceived since the last decision; return what that cost."""
        past = [*(each.before for each in context.history[:1]), *(each.after for each in context.history)]
        costs = [await self.learn_from(each) for each in past[self._n_moments : -1]]
        self._n_moments = len(past)  # the last of them is the present one, or was it at the last decision
        costs.append(await self.learn_from(context.observation))
        return added_costs(*costs)

    async def learn_from(self, moment: Observation | ObservationRecord) -> Mapping[str, float]:
        """Learn from one moment, unless it is the last one again; return what that cost."""
        record = moment
        if isinstance(moment, Observation):
            record = record_of(moment, max_chars=MAX_CALL_TEXT_CHARS)
        else:
            moment = Observation(text=moment.text, facts=moment.facts)
        assert isinstance(record, ObservationRecord)
        if self._last is not None and (self._last.text, self._last.facts) == (record.text, record.facts):
            return {}
        self._last = record
        extracted = await self._extracted(moment)
        source = f"{self._episode}#{len(self.texts)}"
        self.memory.learn(
            [self._rules.stored(each) for each in extracted.triplets],
            outdated=extracted.outdated,
            sources=[source],
            time=self._start + len(self.texts),
        )
        self.texts[source] = moment.text
        self.outdated |= dict.fromkeys(map(self._rules.stored, extracted.outdated))
        return extracted.cost

    async def _extracted(self, moment: Observation) -> Extracted:
        known = [
            fact.triplet
            for fact in self.memory.facts()
            if any(source in self.texts for source in fact.sources)  # not of an earlier episode
        ]
        answer = self._extractor.extract(moment, known=known)
        return await answer if inspect.isawaitable(answer) else answer
