"""A scripted stand-in for an engine, so that the adapter is tested without one."""

import sys
from pathlib import Path

import pytest

from embodied_mem.envs.text_games import CommandGrammar, Form, Opening, TextGameEnv, TextGameWorld, Turn

sys.path.insert(0, str(Path(__file__).parent))  # engine_tests.py is imported by its name

FORMS = (
    Form("look", "look", "Look."),
    Form("go", "go {direction}", "Walk."),
    Form("take", "take {object}", "Take it.", ("get {object}",)),
    Form("take_from", "take {object} from {source}", "Take it out."),
    Form("open", "open {object}", "Open it."),
)
START = ("go north", "look", "take key", "wave")


class StandInGame:
    """A stand-in, no real game: a key on the floor opens a chest in the next room, which holds a coin."""

    def __init__(self):
        self.n_closed = 0

    def start(self, seed):
        self.room, self.has_key, self.is_open, self.has_coin = "hall", False, False, False
        self.coin = ("gold coin", "tin coin")[seed % 2]
        self.commands = self._commands()
        return Opening(
            objective=f"Get the {self.coin}.",
            problem=self.coin,
            turn=self._turn("Welcome."),
        )

    def walkthrough(self):
        return "take key", "go north", "open chest", f"take {self.coin} from chest"

    def play(self, command):
        if command not in self.commands:
            refusal = "The chest is locked." if command == "open chest" else "You cannot do that."
            return self._turn(refusal, refusal=refusal)
        self.room = {"go north": "vault", "go south": "hall"}.get(command, self.room)
        self.has_key |= command == "take key"
        self.is_open |= command == "open chest"
        self.has_coin |= command == f"take {self.coin} from chest"
        self.commands = self._commands()
        return self._turn("Done.")

    def close(self):
        self.n_closed += 1

    def _commands(self):
        if self.room == "hall":
            return ("go north", "look", "wave", *(() if self.has_key else ("take key",)))
        opens = ("open chest",) if self.has_key and not self.is_open else ()
        return ("go south", "look", *opens, *((f"take {self.coin} from chest",) if self.is_open else ()))

    def _turn(self, feedback, *, refusal=""):
        facts = [("you", "in", self.room)]
        facts += [("key", "carried by", "you")] if self.has_key else []
        facts += [("key", "in", "hall")] if self.room == "hall" and not self.has_key else []
        facts += [("chest", "in", "vault")] if self.room == "vault" else []
        facts += [(self.coin, "in", "chest")] if self.room == "vault" and self.is_open else []
        return Turn(
            feedback=feedback,
            place=f"You are in the {self.room}.",
            inventory="You have a key." if self.has_key else "",
            commands=self.commands,
            score=(self.has_key + self.has_coin) / 2,
            is_won=self.has_coin,
            refusal=refusal,
            facts=tuple(facts),
            in_view=frozenset({"you", self.room, *(fact[0] for fact in facts)}),
        )


def make_stand_in(**options):
    """The world of the stand-in."""
    return TextGameWorld(TextGameEnv(StandInGame(), **options), CommandGrammar(FORMS), kind="stand_in:chest")


@pytest.fixture
def stand_in():
    return make_stand_in


@pytest.fixture
def grammar():
    return CommandGrammar(FORMS)
