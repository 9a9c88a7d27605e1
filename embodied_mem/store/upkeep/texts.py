"""The text of an experience that is embedded, and embedding in batches."""

from collections.abc import Sequence

from embodied_mem.contracts import Embedder
from embodied_mem.embedders.checked import embedded
from embodied_mem.errors import unknown_name
from embodied_mem.memory.retrieval import TEXT_FIELD
from embodied_mem.records.experience import Experience, texts_of
from embodied_mem.records.spaces import FieldVector

FIELDS = (TEXT_FIELD, "task", "state", "outcome")


def text_to_embed(experience: Experience, field: str = TEXT_FIELD) -> str:
    """The text whose vector goes into a field; for `text` all texts joined, as the memory embeds them.

    Raises:
        UnknownName: The field has no text.
    """
    check_field(field)
    texts = texts_of(experience)
    return " ".join(part for part in texts.values() if part) if field == TEXT_FIELD else texts[field]


def check_field(field: str) -> None:
    """Reject a field that has no text.

    Raises:
        UnknownName: The field has no text.
    """
    if field not in FIELDS:
        raise unknown_name("text field", field, FIELDS)


def embedded_batch(embedder: Embedder[str], texts: Sequence[str], *, field: str) -> list[FieldVector | None]:
    """A vector for each text; None for a blank text.

    Raises:
        InvalidEmbedding: The embedder gave anything but one row of finite numbers a text.
    """
    asked = [text for text in texts if text.strip()]
    rows = iter(embedded(embedder, asked) if asked else ())
    return [
        FieldVector(field=field, space=embedder.space, values=next(rows)) if text.strip() else None
        for text in texts
    ]
