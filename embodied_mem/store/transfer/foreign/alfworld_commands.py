"""Commands of ALFWorld (arXiv 2010.03768) as calls: `put mug 1 in/on shelf 2` is `put(mug 1, shelf 2)`."""

import re
from collections.abc import Sequence

from embodied_mem.records.experience import SkillCall

_FORMS = (
    (re.compile(r"go to (?P<place>.+)"), "go_to"),
    (re.compile(r"take (?P<object>.+) from (?P<place>.+)"), "take"),
    (re.compile(r"put (?P<object>.+) (?:in/on|in|on) (?P<place>.+)"), "put"),
    (re.compile(r"move (?P<object>.+) to (?P<place>.+)"), "put"),  # since the release of December 2024
    (re.compile(r"(?P<skill>clean|heat|cool|slice) (?P<object>.+) with (?P<tool>.+)"), ""),
    (re.compile(r"(?P<skill>open|close|toggle|use|examine) (?P<object>.+)"), ""),
    (re.compile(r"(?P<skill>look|inventory)"), ""),
)


def call_of(command: str) -> SkillCall:
    """Return a command as a call; one that the game does not know is kept as `command(text)`."""
    for form, skill in _FORMS:
        if found := form.fullmatch(command.strip()):
            arguments = found.groupdict()
            return SkillCall(arguments.pop("skill", skill), arguments)
    return SkillCall("command", {"text": command.strip()})


def plan_of(actions: Sequence[str]) -> tuple[SkillCall, ...]:
    """Return the calls of an episode; thoughts are no calls."""
    return tuple(call_of(each) for each in actions if not each.strip().startswith("think:"))
