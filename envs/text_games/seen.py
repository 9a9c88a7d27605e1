"""What the player has seen in this episode: names of things, and facts that are not known to be outdated."""

from collections.abc import Iterable, Sequence

from embodied_mem.envs.text_games.turn import PLACED, PLAYER, Fact, Turn
from embodied_mem.records.json_values import JsonValue
from embodied_mem.records.scene import SceneView

CHARS_PER_TOKEN = 4


class Seen:
    """Merges the turns of one episode; holds nothing that the player was not shown."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget the last episode."""
        self._names: dict[str, None] = {}
        self._facts: dict[Fact, None] = {}

    def merge(self, turn: Turn, named: Iterable[str]) -> None:
        """Take in a turn and the names in its commands; facts of things in view replace the older ones."""
        self._names |= dict.fromkeys(named) | dict.fromkeys(sorted(turn.in_view - {PLAYER}))
        outdated = turn.in_view | self._gone(turn.in_view)
        kept = (fact for fact in self._facts if not {fact[0], fact[2]} & outdated)
        self._facts = dict.fromkeys((*kept, *turn.facts))

    def _gone(self, in_view: frozenset[str]) -> set[str]:
        """Things that were in a place which is in view now, where they are no longer."""
        placed = (fact for fact in self._facts if fact[1] in PLACED and fact[2] in in_view)
        return {fact[0] for fact in placed if fact[0] not in in_view}

    @property
    def names(self) -> list[JsonValue]:
        """Every thing seen, the first one first."""
        return list(self._names)

    @property
    def facts(self) -> list[JsonValue]:
        """The facts as lists of subject, relation and object."""
        return [list(fact) for fact in self._facts]

    def named_in(self, text: str) -> list[str]:
        """The things that a text names, in the order in which it names them."""
        padded = f" {text} "
        at = {name: padded.find(f" {name}") for name in self._names}
        return sorted((name for name in at if at[name] >= 0), key=lambda name: (at[name], -len(name)))

    def view(self, budget_tokens: int | None, about: Sequence[str]) -> SceneView:
        """The facts as sentences within a budget; those about given things first."""
        wanted = set(about)
        ordered = sorted(self._facts, key=lambda fact: not wanted & {fact[0], fact[2]})
        limit = None if budget_tokens is None else budget_tokens * CHARS_PER_TOKEN
        text, facts = "", list[JsonValue]()
        for fact in ordered:
            longer = f"{text} {sentence(fact)}".strip()
            if limit is not None and len(longer) > limit:
                break
            text, facts = longer, [*facts, list(fact)]
        return SceneView(text=text, facts={"facts": facts})


def sentence(fact: Fact) -> str:
    """A fact in words, such as `The old key is in the antique trunk`, with a full stop."""
    subject, relation, thing = fact
    if PLAYER in (subject, thing):
        return f"You are in the {thing}." if subject == PLAYER else f"You carry the {subject}."
    if relation == "is":
        return f"The {subject} is {thing}."
    if relation == "has exit":
        return f"The {subject} has an exit {thing}."
    return f"The {subject} is {relation} the {thing}."
