"""`Prompt`: what a model is asked, as text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is asked.

    Attributes:
        user: The text to answer or to continue.
        system: The instruction; empty for a completion.
    """

    user: str
    system: str = ""

    @property
    def text(self) -> str:
        """Instruction and question as one text."""
        return "\n\n".join(part for part in (self.system, self.user) if part)
