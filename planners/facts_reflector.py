"""`FactReflector`: what was learnt about the world in an episode, as facts to record."""

from embodied_mem.facts import HOME_RULES, Extractor, FactRules, FactsOfObservation
from embodied_mem.facts.statement import fact_experience
from embodied_mem.planners.episode_facts import EpisodeFacts
from embodied_mem.records.episodes import THIS_EPISODE, Reflection, Trace, added_costs
from embodied_mem.records.experience import Outcome


class FactReflector:
    """Records the facts that hold at the end of an episode, and those that were found outdated in it.

    They are valid from the time of recording, have the episode as their source, and are what
    `FactsInPrompt(span="lifetime")` begins the next episode with. A purge of the episode takes them away.

    Args:
        extractor: Finds the facts of an observation; None: `FactsOfObservation`, which asks no model.
        rules: Which facts end others.
    """

    def __init__(self, *, extractor: Extractor | None = None, rules: FactRules = HOME_RULES) -> None:
        self._extractor = extractor or FactsOfObservation(rules=rules)
        self._rules = rules

    async def reflect(self, trace: Trace, outcome: Outcome) -> Reflection:
        """Return the facts, ends first, so that a fact that came back holds."""
        episode = EpisodeFacts("", extractor=self._extractor, rules=self._rules)
        moments = (trace.first, *(call.after for call in trace.calls), trace.last)
        cost = added_costs(*[await episode.learn_from(each) for each in moments])
        holding = [fact.triplet for fact in episode.memory.facts()]
        said = {each: False for each in episode.outdated if each not in holding}
        said |= dict.fromkeys(holding, True)
        facts = [
            fact_experience(each, holds=holds, sources=(THIS_EPISODE,), instance=trace.task.instance)
            for each, holds in said.items()
        ]
        return Reflection(experiences=tuple(facts), cost=cost)
