"""What is known of a world as facts: triplets with the time in which they hold, and where they were seen."""

from embodied_mem.facts.extractors import Extracted, Extractor, FactsOfObservation
from embodied_mem.facts.fact_memory import FactMemory, Learnt, RecalledFact
from embodied_mem.facts.rules import HOME_RULES, FactRules
from embodied_mem.facts.timelines import Fact
from embodied_mem.facts.triplet import Parsed, Triplet, parse_triplets

__all__ = [
    "HOME_RULES",
    "Extracted",
    "Extractor",
    "Fact",
    "FactMemory",
    "FactRules",
    "FactsOfObservation",
    "Learnt",
    "Parsed",
    "RecalledFact",
    "Triplet",
    "parse_triplets",
]
