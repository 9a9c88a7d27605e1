"""Commands as skill calls and back: each kind of command is a skill, what its words name are arguments.

Every command has exactly one call, the reading of `CommandGrammar.call_of`, and `command_of` types it again.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from embodied_mem.errors import InvalidRecord
from embodied_mem.records import SkillCall
from embodied_mem.records.skills import Parameter, Skill, check_call

OTHER = "type_command"  # the skill of commands that no form fits
NO_THINGS = ("direction", "command", "answer")  # parameters whose values are no things
_BRACES = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of command.

    Attributes:
        name: Name of the skill.
        template: The command, with its parameters in braces: `take {object} from {source}`.
        description: Its effect, for language models.
        phrases: Phrases of instructions that name it; the template is one by itself.
    """

    name: str
    template: str
    description: str = ""
    phrases: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of the command."""
        return tuple(_BRACES.findall(self.template))

    @property
    def pattern(self) -> "re.Pattern[str]":
        """Matches the commands of this form."""
        parts = _BRACES.split(self.template)  # odd ones are names
        text = "".join(re.escape(part) if i % 2 == 0 else f"(?P<{part}>.+?)" for i, part in enumerate(parts))
        return re.compile(text)

    @property
    def n_fixed(self) -> int:
        """Number of letters that are no parameter; of two forms that fit, the one with more is meant."""
        return len(_BRACES.sub("", self.template))


class CommandGrammar:
    """The kinds of command of one engine.

    Args:
        forms: The kinds, each of another name.
    """

    def __init__(self, forms: Iterable[Form]) -> None:
        self._forms = {form.name: form for form in forms}
        self._forms[OTHER] = Form(OTHER, "{command}", "Type a command as it is.")
        by_length = sorted(self._forms.values(), key=lambda form: -form.n_fixed)
        self._patterns = [(form.name, form.pattern) for form in by_length]
        self.signatures = tuple(_skill(form, {}, "signature") for form in self._forms.values())

    def call_of(self, command: str) -> SkillCall:
        """The call that types a command."""
        for name, pattern in self._patterns:
            found = pattern.fullmatch(command)
            if found is not None:
                return SkillCall(name, dict(found.groupdict()))
        raise InvalidRecord(f"the command is {command!r:.200}; expected one line of text")

    def command_of(self, call: SkillCall) -> str:
        """The command that a call types.

        Raises:
            UnknownName: There is no skill of this name.
            InvalidRecord: The arguments are not texts or not those of the skill, or the command is read as
                another call, so that it has to be made as that one.
        """
        check_call(call, self.signatures)
        for name, value in call.arguments.items():
            if not isinstance(value, str) or not value.strip() or len(value.splitlines()) != 1:
                raise InvalidRecord(
                    f"{call.name}.{name} is {value!r:.200}; expected a thing, such as 'old key'"
                )
        command = _BRACES.sub(lambda name: str(call.arguments[name[1]]), self._forms[call.name].template)
        read = self.call_of(command)
        if (read.name, dict(read.arguments)) != (call.name, dict(call.arguments)):
            raise InvalidRecord(f"{call} types {command!r:.200}, which is {read}; make that call instead")
        return command

    def things_of(self, commands: Iterable[str]) -> list[str]:
        """The things that commands name, the first one first; directions are none."""
        calls = map(self.call_of, commands)
        named = [pair for call in calls for pair in call.arguments.items() if pair[0] not in NO_THINGS]
        return list(dict.fromkeys(str(value) for _, value in named))

    def skills(self, commands: Sequence[str], detail: str) -> tuple[Skill, ...]:
        """The skills of the commands that can be typed now; their choices are what these commands name."""
        choices: dict[str, dict[str, dict[str, None]]] = {}
        for command in commands:
            call = self.call_of(command)
            values = choices.setdefault(call.name, {})
            for name, value in call.arguments.items():
                values.setdefault(name, {})[str(value)] = None
        offered = ((form, choices[name]) for name, form in self._forms.items() if name in choices)
        return tuple(_skill(form, values, detail) for form, values in offered)


def _skill(form: Form, choices: Mapping[str, Iterable[str]], detail: str) -> Skill:
    """The skill of a form. Its parameters are open: what cannot be typed now, the game refuses in words."""
    parameters = tuple(
        Parameter(name=name, type="object", choices=tuple(sorted(choices.get(name, ()))), is_open=True)
        for name in form.parameters
    )
    phrases = () if form.name == OTHER else (form.template, *form.phrases)
    description = form.description if detail == "full" else ""
    return Skill(name=form.name, parameters=parameters, phrases=phrases, description=description)
