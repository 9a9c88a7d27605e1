"""What a user's memory does: experiences recorded, recalled, scored and forgotten."""

__all__: list[str] = []
