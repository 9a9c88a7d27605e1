"""Turn an instruction into skill calls, by the phrases that skills declare.

This works for every world: the verbs come from `Skill.phrases`, the objects from the parameters' choices.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.skills import Skill

MAX_CHARS = 4_000  # of an instruction; the patterns take quadratic time on adversarial texts

_FILLERS = {"a", "an", "the", "some", "any", "object", "thing", "something", "one"}
_ARTICLE = re.compile(r"^(?:the|an?)\s+")
_TITLE = re.compile(r"^[^,.:]{1,80}:\s+")
_PLACES = re.compile(r"\s+(?:(?:on|to|at) your (?:left|right)|(?:in front of|behind|beside|near) you)$")
_REORDERED = re.compile(r"^(?P<last>.+?),?\s+after (?:you )?(?P<first>.+)$")
_SEQUENCE = re.compile(r",?\s+(?:and\s+)?then\s+(?:you\s+)?|,?\s+and\s+|,\s+")


@dataclass(frozen=True, slots=True)
class Goal:
    """One clause of an instruction: a skill, and its arguments in the instruction's own words."""

    skill: str
    phrases: Mapping[str, str]


def ground(instruction: str, skills: Sequence[Skill]) -> list[Goal]:
    """Return the goals that the first 4,000 characters of an instruction name, in the order to reach them.

    Empty if no skill's phrase matches. A title before a colon ("Watch TV: switch on ...") names no goal.
    """
    goals: list[Goal] = []
    pattern: tuple[str, re.Pattern[str]] | None = None
    text = _TITLE.sub("", instruction[:MAX_CHARS].lower()).strip(" .!")
    for clause in _clauses(text):
        found = _match(clause, skills)
        if found is None and pattern is not None:  # "open the red door and the blue door"
            found = _fit(clause, *pattern, verb_is_missing=True)
        if found is not None:
            goals.append(found)
            pattern = _simple_pattern(found, skills)
    return goals


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """Content words of an object phrase or reference: no articles, no "object", no place, no number."""
    cleaned = _PLACES.sub("", text.lower().strip())
    tokens = re.findall(r"[^\W_]+", cleaned)
    return tuple(token for token in tokens if token not in _FILLERS and not token.isdigit())


def candidates(phrase: str, choices: Iterable[JsonValue]) -> list[str]:
    """The choices that contain all content words of an object phrase, in the order given."""
    wanted = set(words(phrase))
    return [choice for choice in choices if isinstance(choice, str) and wanted.issubset(words(choice))]


def meant(phrase: str, choices: Iterable[JsonValue]) -> list[str]:
    """The choices that an instruction may mean: as `candidates`, but "light 3" names that light alone."""
    name = _ARTICLE.sub("", phrase.strip().lower())
    if name[-1:].isdigit():
        return [choice for choice in choices if isinstance(choice, str) and choice.lower() == name]
    return candidates(phrase, choices)


def _clauses(instruction: str) -> list[str]:
    reordered = _REORDERED.match(instruction)
    if reordered:
        return [*_clauses(reordered["first"]), *_clauses(reordered["last"])]
    return [clause.strip() for clause in _SEQUENCE.split(instruction) if clause.strip()]


def _match(clause: str, skills: Sequence[Skill]) -> Goal | None:
    fits = [
        (len(phrase), goal)
        for skill in skills
        for phrase in skill.phrases
        if (goal := _fit(clause, skill.name, _pattern(phrase))) is not None
    ]
    return max(fits, key=lambda fit: fit[0])[1] if fits else None  # the longest phrase is the most specific


def _fit(clause: str, skill: str, pattern: re.Pattern[str], *, verb_is_missing: bool = False) -> Goal | None:
    found = pattern.fullmatch(clause) if verb_is_missing else pattern.search(clause)
    return Goal(skill, {name: value.strip() for name, value in found.groupdict().items()}) if found else None


def _pattern(phrase: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", phrase.lower())
    text = "".join(re.escape(part) if i % 2 == 0 else f"(?P<{part}>.+?)" for i, part in enumerate(parts))
    return re.compile(rf"\b{text}$")


def _simple_pattern(goal: Goal, skills: Sequence[Skill]) -> tuple[str, re.Pattern[str]] | None:
    """For a clause without a verb: its whole text is the argument of a one-argument skill."""
    if len(goal.phrases) != 1:
        return None
    (name,) = goal.phrases
    return goal.skill, re.compile(rf"(?P<{name}>.+)")
