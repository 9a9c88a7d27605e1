"""What a text game answers, in the form that every engine here gives, and the contract of an engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from embodied_mem.records.json_values import JsonValue

Fact: TypeAlias = tuple[str, str, str]
"""Subject, relation, object: `("old key", "in", "antique trunk")`; an edge of a graph."""

PLAYER = "you"  # the player in facts
PLACED = ("in", "on", "carried by")  # relations that say where a thing is


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The game after a command, as far as the player can know it.

    Attributes:
        feedback: What the game said to the command.
        place: Description of the place where the player is; empty if the engine gives none.
        inventory: What the player carries, in words; empty if the engine gives none.
        commands: Commands that can be typed now.
        score: Points so far as a share of the maximum, at most 1; some games count below 0.
        is_won: Whether the task is done.
        is_lost: Whether it can no longer be done.
        refusal: Why the command had no effect, in the game's words; empty if it had one.
        facts: What the player can see now; never what is hidden.
        in_view: Things whose facts are all given in `facts`; what was known of them before is outdated.
    """

    feedback: str
    place: str = ""
    inventory: str = ""
    commands: tuple[str, ...] = ()
    score: float = 0.0
    is_won: bool = False
    is_lost: bool = False
    refusal: str = ""
    facts: tuple[Fact, ...] = ()
    in_view: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The start of a game.

    Attributes:
        objective: What is to be done, as the game says it.
        problem: Everything that makes up the game, also what is hidden; it names the problem and no planner
            sees it.
        turn: The game before the first command.
    """

    objective: str
    problem: JsonValue
    turn: Turn


class TextGame(Protocol):
    """A game engine that plays one game at a time."""

    def start(self, seed: int) -> Opening:
        """Start the game of a seed; equal seeds give equal games.

        Raises:
            EpisodeError: The engine cannot make or load the game.
        """
        ...

    def play(self, command: str) -> Turn:
        """Type a command."""
        ...

    def walkthrough(self) -> Sequence[str]:
        """Commands that win the game that has just been started; empty if none are known."""
        ...

    def close(self) -> None:
        """End the engine and its processes; closing twice is allowed."""
        ...
