"""`messages_of`: a request as the messages of a chat."""

from typing import TypeAlias

from embodied_mem.planners.llm.models.images import content_of
from embodied_mem.planners.llm.models.language_model import Request

Content: TypeAlias = str | list[str | dict[str, str]]


def messages_of(request: Request) -> list[tuple[str, Content]]:
    """The instruction, if there is one, and what the user says: text, or text and pictures."""
    system: list[tuple[str, Content]] = [("system", request.prompt.system)] if request.prompt.system else []
    return [*system, ("user", content_of(request.prompt.user, request.images))]
