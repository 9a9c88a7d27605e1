"""What flows between the rooms: frozen records, validated when made, and what is asked of them."""

from embodied_mem.records.experience import (
    Attachment,
    Experience,
    Kind,
    Origin,
    Outcome,
    Recalled,
    Receipt,
    Scope,
    SkillCall,
    Status,
    Task,
    instance_id,
    texts_of,
)

__all__ = [
    "Attachment",
    "Experience",
    "Kind",
    "Origin",
    "Outcome",
    "Recalled",
    "Receipt",
    "Scope",
    "SkillCall",
    "Status",
    "Task",
    "instance_id",
    "texts_of",
]
