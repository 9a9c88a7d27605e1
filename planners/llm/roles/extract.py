"""The role `extract`: what an observation says, as facts (AriGraph, 2407.04363, its semantic memory)."""

from collections.abc import Sequence

from embodied_mem.facts import Extracted, FactsOfObservation, Triplet
from embodied_mem.planners.llm.answers.triplets import Triplets
from embodied_mem.planners.llm.models.call_log import digest
from embodied_mem.planners.llm.roles.role import AskedRole
from embodied_mem.records.episodes import added_costs
from embodied_mem.records.skills import Observation

PlainExtractor = FactsOfObservation  # without a model: the facts that the world gives
MAX_KNOWN = 40  # facts that a prompt tells, the last learnt


class ModelExtractor(AskedRole):
    """A model's facts out of text and images; an `Extractor` of `embodied_mem.facts`.

    Where its answer cannot be read, these are the facts that the world gives. The prompt tells what is known
    of the things that the observation names, so that they keep their names. Which facts hold no longer is not
    asked: rules say which fact ends which (`FactRules`).
    """

    role = "extract"

    async def extract(self, observation: Observation, *, known: Sequence[Triplet] = ()) -> Extracted:
        """Return the facts, at most 20.

        Raises:
            ModelError: The model gave no answer.
        """
        seen = observation.text.casefold()
        named = [each for each in known if each.subject in seen or each.object in seen][-MAX_KNOWN:]
        inputs = {"state": observation.text, "known": [str(each) for each in named]}
        place = f"observation {digest(observation.text)}"
        reply = await self._ask(Triplets(), inputs, place, images=observation.images)
        if reply.value is not None:
            return Extracted(triplets=reply.value, cost=reply.cost)
        plain = PlainExtractor().extract(observation, known=known)
        cost = added_costs(plain.cost, reply.cost)
        return Extracted(triplets=plain.triplets, outdated=plain.outdated, cost=cost)
