"""Functions for `ScriptedModel` in the room of `KeyDoorWorld`."""

import re
import zlib

STATE = re.compile(r"You hold (nothing|\w+ key)\. The (\w+) door is (\w+)\.")


def any_call(request):
    """A legal call, drawn by the prompt."""
    calls = list(request.choices.calls())
    return str(calls[zlib.crc32(request.prompt.user.encode()) % len(calls)])


def right_call(request):
    """The call that a person would make, from what the prompt says last."""
    return right_line(request.prompt.user)


def right_line(prompt):
    """The same, from the text of a prompt."""
    held, door, how = STATE.findall(prompt)[-1]
    if how == "open":
        return "go_to(chest)"
    return f"open({door} door)" if held == f"{door} key" else f"take({door} key)"
