"""TextWorld as a `TextGame`."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from embodied_mem.envs.text_games.textworld.facts import View
from embodied_mem.envs.text_games.textworld.game_files import ONE_AT_A_TIME, GameFiles, quiet
from embodied_mem.envs.text_games.turn import Opening, Turn
from embodied_mem.optional import require
from embodied_mem.records.json_values import JsonValue

_STATUS_LINE = re.compile(r"\n>\s.*\Z", re.DOTALL)
_BLANK_LINES = re.compile(r"\n\s*\n+")


class TextWorldGame:
    """Plays the generated games of one kind.

    Args:
        files: The games.

    Raises:
        MissingExtra: TextWorld is not installed.
    """

    def __init__(self, files: GameFiles) -> None:
        self._textworld: Any = require("textworld", extra="textworld")
        self._files = files
        self._env: Any = None
        self._commands: tuple[str, ...] = ()
        self._room = ""
        self._walked: set[frozenset[str]] = set()
        self._walkthrough: tuple[str, ...] = ()

    def start(self, seed: int) -> Opening:
        """Start the game of a seed, which is made at its first use."""
        self.close()
        quiet()
        with ONE_AT_A_TIME:
            self._env = self._textworld.start(str(self._files.path(seed)), self._infos())
            state = self._env.reset()
        self._room, self._walked = "", set()
        turn = self._turn("", state, refusal="")
        self._walkthrough = tuple(state["extra.walkthrough"] or ())
        facts: list[JsonValue] = [*sorted(map(str, state.facts))]
        return Opening(
            objective=" ".join(state.objective.split()),
            problem=[turn.place, state.objective, state.max_score, facts],
            turn=turn,
        )

    def play(self, command: str) -> Turn:
        """Type a command; one that is not admissible is answered by the game and has no effect."""
        is_admissible = command in self._commands
        state, _, _ = self._env.step(command)
        feedback = _clean(state.feedback)
        return self._turn(feedback, state, refusal="" if is_admissible else feedback or "Nothing happens.")

    def walkthrough(self) -> Sequence[str]:
        """The commands with which TextWorld made the game's quest."""
        return self._walkthrough

    def close(self) -> None:
        """Unload the game."""
        if self._env is not None:
            self._env.close()
            self._env = None

    def _turn(self, feedback: str, state: Any, *, refusal: str) -> Turn:
        place, inventory = _clean(state.description), _clean(state.inventory)
        view = self._look(state.facts, "\n".join((feedback, place, inventory)))
        self._commands = tuple(state.admissible_commands)
        return Turn(
            feedback=feedback,
            place=place,
            inventory=inventory,
            commands=() if state.won or state.lost else self._commands,
            score=(state.score or 0) / max(1, state.max_score),
            is_won=bool(state.won),
            is_lost=bool(state.lost),
            refusal=refusal,
            facts=view.facts,
            in_view=frozenset(view.in_view),
        )

    def _look(self, facts: Iterable[Any], text: str) -> View:
        """What is seen now; walking from room to room shows how they lie."""
        listed = list(facts)
        room = View(listed, text, ()).room
        if self._room and room != self._room:
            self._walked.add(frozenset((self._room, room)))
        self._room = room
        return View(listed, text, self._walked)

    def _infos(self) -> Any:
        wanted = (
            "description",
            "inventory",
            "admissible_commands",
            "facts",
            "won",
            "lost",
            "score",
            "max_score",
        )
        return self._textworld.EnvInfos(
            feedback=True, objective=True, extras=["walkthrough"], **dict.fromkeys(wanted, True)
        )


def _clean(text: str) -> str:
    """The text without the status line, which Inform prints after it, and without blank lines."""
    return _BLANK_LINES.sub("\n", _STATUS_LINE.sub("", text or "").strip())
