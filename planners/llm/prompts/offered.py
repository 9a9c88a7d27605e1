"""What a decision may choose from: the calls made before in the same situation, and the skills in words."""

from embodied_mem.agent.perceived import MAX_CALL_TEXT_CHARS, record_of
from embodied_mem.planners.llm.answers.choices import CallChoices
from embodied_mem.planners.llm.prompts.question import Quotes
from embodied_mem.records import SkillCall
from embodied_mem.records.decisions import CallRecord, Context


def made_before(context: Context) -> frozenset[SkillCall]:
    """The calls that were made when exactly this was perceived."""
    return frozenset(record.call for record in records_here(context))


def records_here(context: Context) -> list[CallRecord]:
    """The calls that were made when exactly this was perceived, with their results, oldest first."""
    now = record_of(context.observation, max_chars=MAX_CALL_TEXT_CHARS)  # as the history keeps it
    return [
        record
        for record in context.history
        if record.before.text == now.text and record.before.facts == now.facts
    ]


def skills_in_words(context: Context, choices: CallChoices, template: Quotes) -> str:
    """The skills with what they do, and the values that their arguments can have now, quoted as data."""
    about = {skill.name: skill.description for skill in context.skills_in_full()}
    lines = []
    for skill in choices.offered():
        names = ", ".join(parameter.name for parameter in skill.parameters)
        told = template.quoted(f"{skill.name}({names}): {about.get(skill.name, '')}".rstrip(": "))
        lines.append(f"- {told}")
        for parameter in skill.parameters:
            values = ", ".join(map(str, parameter.choices)) or f"any {parameter.type}"
            lines.append(f"  {template.quoted(f'{parameter.name}: {values}')}")
    return "\n".join(lines)
