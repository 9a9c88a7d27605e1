"""`RoleTemplate`: the prompt of a role other than `plan`, as a data file with declared inputs."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

from embodied_mem.errors import ExperimentError, unknown_name
from embodied_mem.planners.llm.models.prompt import Prompt
from embodied_mem.planners.llm.prompts.template import FORMS
from embodied_mem.planners.llm.prompts.template_text import check_inputs, placeholders, quoted

Input: TypeAlias = str | Sequence[str]
KEYS = {"role": str, "version": int, "inputs": list, "lines": list, "opening": str, "system": dict}

_FOLDER = resources.files("embodied_mem.planners.llm.prompts") / "templates" / "roles"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleTemplate:
    """A prompt without worked examples: an instruction, lines with inputs, and what opens the answer.

    Values of inputs are data: each is put on one line and cannot begin like an answer.

    Attributes:
        name: Its file's name.
        role: What the model is asked for, such as `predict`.
        version: Raised with every change of its text; recorded answers belong to one version.
        form: `completion` (the model continues a text) or `chat`.
        inputs: What its lines may name.
        lines: The lines, with inputs in braces. One whose input is empty is left out, one whose input is a
            list comes once for each item.
        opening: What the model continues, such as `Prediction:`.
        system: The instruction of a chat, or what a completion begins with, such as an example; no inputs.
    """

    name: str
    role: str
    version: int
    form: str
    inputs: tuple[str, ...]
    lines: tuple[str, ...]
    opening: str
    system: str

    def __post_init__(self) -> None:
        for line in self.lines:
            check_inputs(f"a line of template {self.name}", line, self.inputs)

    @property
    def id(self) -> str:
        """Role, name, form and version, which recorded answers are pinned to."""
        return f"{self.role}/{self.name}-{self.form}@{self.version}"

    def prompt(self, inputs: Mapping[str, Input]) -> Prompt:
        """Return the prompt.

        Args:
            inputs: Input -> text or list of texts; those that no line names are ignored.
        """
        told = [text for line in self.lines for text in self._filled(line, inputs)]
        return Prompt("\n".join([*told, self.opening]), self.system.strip())

    def used(self, inputs: Mapping[str, Input]) -> dict[str, str]:
        """The inputs that the prompt is made of, as text."""
        names = {name for line in self.lines for name in placeholders(line)}
        return {name: "\n".join(_listed(inputs[name])) for name in sorted(names & set(inputs))}

    def quoted(self, text: str) -> str:
        """Text as data: on one line, without what opens an answer."""
        return quoted(text, self.opening)

    def _filled(self, line: str, inputs: Mapping[str, Input]) -> list[str]:
        """The line with its inputs, once for each item of a list; nothing if one is empty."""
        values = {
            name: list(filter(None, map(self.quoted, _listed(inputs.get(name, "")))))
            for name in placeholders(line)
        }
        if not all(values.values()):
            return []
        n = max(map(len, values.values()), default=1)
        rows = ({name: items[at % len(items)] for name, items in values.items()} for at in range(n))
        return [line.format_map(row) for row in rows]


def load_role_template(name: str, *, form: str) -> RoleTemplate:
    """Read the template of a role.

    Args:
        name: Name of a role whose template comes with the library, or path of a `*.toml`.
        form: `completion` or `chat`.

    Raises:
        UnknownName: There is no such template or form.
        ExperimentError: The file cannot be read, or is no template; the message says what is wrong.
    """
    if form not in FORMS:
        raise unknown_name("form of a template", form, FORMS)
    text = _text(name)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ExperimentError(f"template {name} is not TOML: {error}") from None
    _check(name, document)
    return RoleTemplate(
        name=Path(name).stem,
        role=document["role"],
        version=document["version"],
        form=form,
        inputs=tuple(document["inputs"]),
        lines=tuple(document["lines"]),
        opening=document["opening"],
        system=str(document["system"].get(form, "")),
    )


def role_template_names() -> tuple[str, ...]:
    """Names of the roles whose templates come with the library."""
    names = (each.name for each in _FOLDER.iterdir() if each.name.endswith(".toml"))
    return tuple(sorted(name.removesuffix(".toml") for name in names))


def _text(name: str) -> str:
    if not name.endswith(".toml"):
        if name not in role_template_names():
            raise unknown_name("role", name, role_template_names())
        return (_FOLDER / f"{name}.toml").read_text("utf-8")
    try:
        return Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ExperimentError(f"template {name} cannot be read: {error}") from None


def _check(name: str, document: Mapping[str, Any]) -> None:
    for key in document:
        if key not in KEYS:
            raise unknown_name(f"key of template {name}", key, KEYS)
    for key, kind in KEYS.items():
        value = document.get(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            said = {str: "text", int: "an integer", list: "a list", dict: "a table"}[kind]
            raise ExperimentError(f"{key} of template {name} is {value!r:.200}; expected {said}")
    if not all(isinstance(each, str) for each in (*document["lines"], *document["inputs"])):
        raise ExperimentError(
            f"lines and inputs of template {name} hold {document['lines']!r:.200}; expected texts"
        )


def _listed(value: Input) -> Sequence[str]:
    return [value] if isinstance(value, str) else value
