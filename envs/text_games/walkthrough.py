"""The expert of a text game: types the commands of its walkthrough."""

from collections.abc import Sequence

from embodied_mem.errors import EpisodeError


class WalkthroughPolicy:
    """A policy whose state is the number of commands typed; it looks at nothing.

    Args:
        commands: Commands that win from the start of the episode.
    """

    def __init__(self, commands: Sequence[str]) -> None:
        self._commands = tuple(commands)

    def initial_state(self) -> int:
        """No command was typed yet."""
        return 0

    def act(self, observation: object, state: int) -> tuple[str, int]:
        """The next command.

        Raises:
            EpisodeError: All commands were typed, and the game goes on.
        """
        if state >= len(self._commands):
            raise EpisodeError(f"the walkthrough of {len(self._commands)} commands did not win the game")
        return self._commands[state], state + 1
