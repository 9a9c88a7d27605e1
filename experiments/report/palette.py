"""One look per arm, the same in every chart and table.

Colours are those of Okabe and Ito (2008), distinguishable with the common colour blindnesses; reference arms
are grey and dashed. `assets/page.css` gives each class its colour in light and dark.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

COLOURS = 7  # .c0 (the focus) to .c6 in page.css; further arms share colours but keep their labels


@dataclass(frozen=True, slots=True)
class Look:
    """How an arm is drawn: a colour class and whether its lines are dashed."""

    colour: str
    is_beside: bool = False

    @property
    def classes(self) -> str:
        """CSS classes of its elements."""
        return f"{self.colour} beside" if self.is_beside else self.colour


def looks(order: Sequence[str], *, focus: str | None, beside: Sequence[str]) -> Mapping[str, Look]:
    """A look for each arm: the focus has the strongest colour, the others follow in the run's order."""
    found: dict[str, Look] = {}
    others = 0
    for arm in order:
        if arm in beside:
            found[arm] = Look("cg", is_beside=True)
        elif arm == focus:
            found[arm] = Look("c0")
        else:
            found[arm] = Look(f"c{1 + others % (COLOURS - 1)}")
            others += 1
    return found
