"""`Template`: a prompt as a data file with declared inputs, and the prompts it makes."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any

from embodied_mem.errors import ExperimentError, unknown_name
from embodied_mem.planners.llm.models.prompt import Prompt
from embodied_mem.planners.llm.notes.note import Note
from embodied_mem.planners.llm.prompts.situation import Situation
from embodied_mem.planners.llm.prompts.template_text import check_inputs, filled, quoted
from embodied_mem.records import Experience

_FOLDER = resources.files("embodied_mem.planners.llm.prompts") / "templates"
SKILLS = "skills"  # the input that belongs to the instruction, and not to a situation
FORMS = ("completion", "chat")
ANSWERS: Mapping[str, frozenset[str]] = {  # what each may hold
    "success": frozenset({"call"}),
    "failure": frozenset({"call", "explanation"}),
    "open": frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A prompt of one role.

    Values of inputs are data: each is put on one line and cannot begin like an answer, so that only the
    template makes a new example.

    Attributes:
        name: Its file's name, or path.
        role: What the model is asked for, such as `plan`.
        version: Raised with every change of its text; recorded answers belong to one version.
        form: `completion` (the model continues a text) or `chat`.
        inputs: What its fields may name: `task`, `state`, `last`, `scene` (what is known of the
            surroundings), and facts of the world; and `skills`, which only `system` may name.
        order: Fields of a situation, in order.
        fields: Field -> text with inputs in braces; left out of a situation where an input is empty.
        answer: How a call that succeeded (`success`) or failed (`failure`) follows its situation, and what
            the model continues (`open`).
        system: Instruction of a chat.
        joint: Between the fields of a situation.
        separator: Between examples.
    """

    name: str
    role: str
    version: int
    form: str
    inputs: tuple[str, ...]
    order: tuple[str, ...]
    fields: Mapping[str, str]
    answer: Mapping[str, str]
    system: str = ""
    joint: str = " "
    separator: str = "\n\n"

    def __post_init__(self) -> None:
        _check_types(self)
        if self.form not in FORMS:
            raise unknown_name(f"form of template {self.name}", self.form, FORMS)
        for name in self.order:
            if name not in self.fields:
                raise unknown_name(f"field in the order of template {self.name}", name, self.fields)
        for name, text in self.fields.items():
            check_inputs(f"{name} of template {self.name}", text, set(self.inputs) - {SKILLS})
        check_inputs(f"system of template {self.name}", self.system, {SKILLS} & set(self.inputs))
        for name, allowed in ANSWERS.items():
            if name not in self.answer:
                raise ExperimentError(f"template {self.name} has no answer.{name}")
            check_inputs(f"answer.{name} of template {self.name}", self.answer[name], allowed)

    @property
    def id(self) -> str:
        """Name, role and version, which recorded answers are pinned to."""
        return f"{self.role}/{self.name}@{self.version}"

    def prompt(
        self,
        situation: Situation,
        examples: Sequence[Experience],
        *,
        skills: str = "",
        notes: Sequence[Note] = (),
    ) -> Prompt:
        """Return the prompt: the notes, the examples in the order given, then the situation.

        Args:
            situation: The situation to decide in.
            examples: Recalled experiences, the most similar last.
            skills: The calls that can be made, in words.
            notes: What is told before the examples.
        """
        blocks = [*map(self.note, notes), *map(self.example, examples)]
        return self.prompt_of(situation, blocks, skills=skills)

    def prompt_of(self, situation: Situation, blocks: Sequence[str], *, skills: str = "") -> Prompt:
        """As `prompt`, from texts that `note` and `example` returned."""
        told = [*blocks, f"{self._block(situation)}\n{self.answer['open']}"]
        return Prompt(self.separator.join(told), self.system.strip().format_map({SKILLS: skills}))

    def note(self, note: Note) -> str:
        """A note as a block of a prompt, its lines as data."""
        return "\n".join([f"{note.heading}:", *(f"- {self.quoted(line)}" for line in note.lines)])

    def example(self, experience: Experience) -> str:
        """An experience as a worked example."""
        outcome = experience.outcome
        how = "failure" if outcome.is_failure else "success"
        call = "; ".join(map(str, experience.plan))
        values = {"call": call, "explanation": outcome.explanation or outcome.status.value}
        told = self.answer[how].format_map({name: self.quoted(text) for name, text in values.items()})
        return f"{self._block(Situation.then(experience))}\n{told}"

    @property
    def opening(self) -> str:
        """What the model continues, such as `Action:`."""
        return self.answer["open"]

    def quoted(self, text: str) -> str:
        """Text of a world, a memory or a model as data: on one line, without what opens an answer.

        `Action: open(door)` becomes `Action open(door)` where answers are opened by `Action:`.
        """
        return quoted(text, self.opening)

    def _block(self, situation: Situation) -> str:
        texts = {name: self.quoted(text) for name, text in situation.texts.items()}
        told = (filled(self.fields[name], texts) for name in self.order)
        return self.joint.join(text for text in told if text)


def load_template(name: str, *, order: Sequence[str] = ()) -> Template:
    """Read a template: one that comes with the library by its name, or a file `*.toml` by its path.

    Args:
        name: Name or path.
        order: Fields of a situation in order; empty: the template's own.

    Raises:
        UnknownName: There is no template of this name.
        ExperimentError: The file cannot be read, or is no template; the message says what is wrong.
    """
    text, name = (_file(name), Path(name).stem) if name.endswith(".toml") else (_packaged(name), name)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ExperimentError(f"template {name} is not TOML: {error}") from None
    template = _template(name, document)
    return replace(template, order=tuple(order)) if order else template


def template_names() -> tuple[str, ...]:
    """Names of the templates that come with the library."""
    folder = resources.files("embodied_mem.planners.llm.prompts") / "templates"
    return tuple(
        sorted(each.name.removesuffix(".toml") for each in folder.iterdir() if each.name.endswith(".toml"))
    )


def _packaged(name: str) -> str:
    if name not in template_names():
        raise unknown_name("template", name, template_names())
    return (_FOLDER / f"{name}.toml").read_text("utf-8")


def _file(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ExperimentError(f"template {path} cannot be read: {error}") from None


def _template(name: str, document: Mapping[str, Any]) -> Template:
    known = {each.name for each in fields(Template)} - {"name"}
    for key in document:
        if key not in known:
            raise unknown_name(f"key of template {name}", key, known)
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in document.items()
    }
    try:
        return Template(name=name, **values)
    except TypeError as error:
        raise ExperimentError(f"template {name} is incomplete: {error}") from None


def _check_types(template: Template) -> None:
    types: dict[str, type] = {
        **dict.fromkeys(("role", "form", "system", "joint", "separator"), str),
        **dict.fromkeys(("inputs", "order"), tuple),
        **dict.fromkeys(("fields", "answer"), Mapping),
        "version": int,
    }
    for name, wanted in types.items():
        value = getattr(template, name)
        if not isinstance(value, wanted):
            kind = {str: "text", tuple: "a list", int: "an integer"}.get(wanted, "a table")
            raise ExperimentError(f"{name} of template {template.name} is {value!r:.200}; expected {kind}")
