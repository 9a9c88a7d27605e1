"""`FactsInPrompt`: what the agent knows, as facts in the prompt, with the moments they were seen in."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Literal, TypeAlias, get_args

from embodied_mem.errors import unknown_name
from embodied_mem.facts import HOME_RULES, Extractor, Fact, FactRules, FactsOfObservation
from embodied_mem.planners.episode_facts import EpisodeFacts
from embodied_mem.planners.llm.notes.note import Note, Told
from embodied_mem.records import Experience, Kind
from embodied_mem.records.argument_checks import check_count
from embodied_mem.records.decisions import Context, Trigger
from embodied_mem.records.filters import In, where
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.queries import Query
from embodied_mem.records.situations import situation_text

Span: TypeAlias = Literal["episode", "lifetime"]

FACTS, EPISODES = "Known facts", "Seen before"  # headings
MAX_KEPT = 256  # episodes under way; the facts of one that is dropped are learnt again from its history
MAX_FACTS_CHARS = 4_000
MAX_EPISODE_CHARS = 400


class FactsInPrompt:
    """Learns facts at every decision, and recalls those near the task and the situation; a `NoteSource`.

    After AriGraph (arXiv 2407.04363, sections 3 and 4): facts are searched breadth first from the things that
    task and situation name, then the moments in which most of them were seen are shown beside them. What the
    present moment says is not shown again: the prompt has it.

    Args:
        extractor: Finds the facts of an observation; None: `FactsOfObservation`, which asks no model.
        rules: Which facts end others.
        span: `episode`: facts live as long as the episode, as AriGraph's do. `lifetime`: an episode begins
            with the facts that memory holds (see `FactReflector`, which records them), by one recall.
        n_facts: Most facts in a prompt, >= 1.
        n_episodes: Most moments or earlier episodes in a prompt, >= 0.
        max_depth: See `FactGraph.recall`.
        top_k: See `FactGraph.recall`.
        threshold: See `FactGraph.recall`.
        max_carried: Most entries of memory that a lifetime's episode begins with, >= 1, the newest.

    Raises:
        InvalidQuery: A number is out of range.
        UnknownName: There is no such span.
    """

    def __init__(
        self,
        *,
        extractor: Extractor | None = None,
        rules: FactRules = HOME_RULES,
        span: Span = "episode",
        n_facts: int = 30,
        n_episodes: int = 2,
        max_depth: int = 2,
        top_k: int = 6,
        threshold: float = 0.75,
        max_carried: int = 500,
    ) -> None:
        if span not in get_args(Span):
            raise unknown_name("span of facts", span, get_args(Span))
        check_count("n_facts", n_facts, at_least=1)
        check_count("n_episodes", n_episodes, at_least=0)
        check_count("max_carried", max_carried, at_least=1)
        self._extractor = extractor or FactsOfObservation(rules=rules)
        self._rules, self._span, self._max_carried = rules, span, max_carried
        self._n_facts, self._n_episodes = n_facts, n_episodes
        self._max_depth, self._top_k, self._threshold = max_depth, top_k, threshold
        self._kept: OrderedDict[str, EpisodeFacts] = OrderedDict()

    async def tell(self, context: Context) -> Told:
        """Learn from what was perceived, and return the facts and moments to show, the nearest last."""
        episode = await self._episode(context)
        cost = await episode.perceive(context)
        recalled = self._recalled(episode, context)
        new = [fact for fact in recalled if episode.now not in fact.sources][: self._n_facts]
        linked = episode.memory.episodes_of(new, k=self._n_episodes)
        seen = await self._told(episode, context, [each.source for each in linked if each.score > 0])
        lines = _within(MAX_FACTS_CHARS, [fact.triplet.text for fact in new])
        carried = tuple(_id_in_memory(episode, fact) for fact in new[: len(lines)])
        earlier = tuple("" if source in episode.texts else source for source in seen)
        notes = (
            Note(FACTS, tuple(lines[::-1]), carried[::-1]),
            Note(EPISODES, tuple(seen.values())[::-1], earlier[::-1]),
        )
        return Told(tuple(note for note in notes if note.lines), cost)

    def describe(self) -> JsonObject:
        """Name and settings."""
        return {
            "name": "facts",
            "extractor": type(self._extractor).__name__,
            "span": self._span,
            "n_facts": self._n_facts,
            "n_episodes": self._n_episodes,
            "max_depth": self._max_depth,
            "top_k": self._top_k,
            "threshold": self._threshold,
            **({"max_carried": self._max_carried} if self._span == "lifetime" else {}),
        }

    async def _episode(self, context: Context) -> EpisodeFacts:
        """The facts of this episode so far; where they were dropped, from the start."""
        kept = self._kept.get(context.episode)
        if kept is None or context.trigger is Trigger.START:
            kept = EpisodeFacts(context.episode, extractor=self._extractor, rules=self._rules)
            if self._span == "lifetime":
                query = Query(where=where(kind=Kind.FACT.value), k=self._max_carried)  # the newest
                hits = await context.arecall(query)
                # The newest part of the log is sound by itself: what ends a fact is recorded after it.
                kept.lay_in([hit.experience for hit in reversed(hits)])
        self._kept[context.episode] = kept
        self._kept.move_to_end(context.episode)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return kept

    def _recalled(self, episode: EpisodeFacts, context: Context) -> list[Fact]:
        query = f"{context.task.text} {situation_text(context.observation.text, context.last)}"
        hits = episode.memory.recall(
            query,
            max_depth=self._max_depth,
            top_k=self._top_k,
            threshold=self._threshold,
            limit=3 * self._n_facts,  # what the moment says is among them
        )
        return [hit.fact for hit in hits]

    async def _told(
        self, episode: EpisodeFacts, context: Context, sources: Sequence[str]
    ) -> Mapping[str, str]:
        """What was perceived then, in words; of earlier episodes what memory says of them."""
        told = {source: episode.texts.get(source, "") for source in sources}
        earlier = [source for source, text in told.items() if not text]
        if earlier:
            for hit in await context.arecall(Query(where=In("id", tuple(earlier)), k=len(earlier))):
                told[hit.experience.id] = _story(hit.experience)
        return {source: text[:MAX_EPISODE_CHARS] for source, text in told.items() if text}


def _id_in_memory(episode: EpisodeFacts, fact: Fact) -> str:
    """The latest sighting of a fact that comes from memory; empty for one that this episode saw."""
    return "" if any(source in episode.texts for source in fact.sources) else fact.ids[-1]


def _within(n_chars: int, lines: Sequence[str]) -> list[str]:
    """The first lines, as many as have so many characters together."""
    ends = accumulate(len(line) + 1 for line in lines)
    return [line for line, end in zip(lines, ends, strict=True) if end <= n_chars]


def _story(experience: Experience) -> str:
    plan = "; ".join(map(str, experience.plan))
    return " ".join(part for part in (experience.state, plan, experience.outcome.status.value) if part)
