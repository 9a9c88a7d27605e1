"""`Triplet`: one fact as subject, relation and object, in a normal form; and reading triplets from text."""

import re
import unicodedata
from dataclasses import dataclass

from embodied_mem.errors import InvalidRecord

MAX_CHARS = 200  # of a part; a longer one is a sentence and no name
MAX_TRIPLETS = 200  # read from one text

_LEADING = re.compile(r"^(?:(?:[-*•]|\d{1,3}[.)])\s+|(?:the|an|a)\s+)")  # bullets, numbers, articles
_EDGES = " \t\r\n'\"`.,:"
_BREAKS = re.compile(r"[\s_;|\x00-\x1f\x7f-\x9f]+")  # `;` separates the parts of a written triplet


@dataclass(frozen=True, slots=True, order=True)
class Triplet:
    """A fact: a subject, a relation and an object, each in its normal form.

    The normal form has lower case, no article in front, single spaces, and neither quotes nor points at its
    ends; an underscore counts as a space. Facts are equal if their normal forms are.

    Attributes:
        subject: What the fact is about.
        relation: How the two are related, such as `in`.
        object: What it is related to; or a state, such as `open`.

    Raises:
        InvalidRecord: A part is no text, empty in its normal form, or longer than 200 characters.
    """

    subject: str
    relation: str
    object: str

    def __post_init__(self) -> None:
        for name in ("subject", "relation", "object"):
            object.__setattr__(self, name, _checked(getattr(self, name), field=name))

    @property
    def text(self) -> str:
        """The fact as words: `red apple in fridge`."""
        return f"{self.subject} {self.relation} {self.object}"

    def __str__(self) -> str:
        """The fact as `parse_triplets` reads it: `red apple; in; fridge`."""
        return f"{self.subject}; {self.relation}; {self.object}"


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a text said.

    Attributes:
        triplets: The facts in the order of the text, without repeats.
        unread: The lines that hold no triplet; empty lines are left out.
    """

    triplets: tuple[Triplet, ...] = ()
    unread: tuple[str, ...] = ()


def parse_triplets(text: str) -> Parsed:
    """Read facts from a model's answer, one a line: `red apple; in; fridge`.

    Bullets and numbers before a fact are dropped. A line without exactly three parts is not guessed at.

    Args:
        text: The answer; of a long one the first 200 facts are read.
    """
    found: dict[Triplet, None] = {}
    unread = []
    for line in filter(None, map(str.strip, text.splitlines())):
        parts = line.rstrip(";").split(";")
        try:
            triplet = Triplet(*parts) if len(parts) == 3 else None
        except InvalidRecord:
            triplet = None
        if triplet is None:
            unread.append(line[:MAX_CHARS])
        elif len(found) < MAX_TRIPLETS:
            found[triplet] = None
    return Parsed(tuple(found), tuple(unread))


def normal_name(text: str) -> str:
    """Return the normal form of a part of a triplet; empty if nothing is left.

    Raises:
        InvalidRecord: It is no text.
    """
    if not isinstance(text, str):
        raise InvalidRecord(f"a part of a triplet is {text!r:.200}; expected text")
    plain = unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode("utf-8")).lower()
    before = None
    while before != plain:  # "- 'the cup'" loses one layer a round
        before = plain
        plain = _LEADING.sub("", _BREAKS.sub(" ", plain).strip(_EDGES))
    return plain


def _checked(text: str, *, field: str) -> str:
    name = normal_name(text)
    if not name:
        raise InvalidRecord(f"the {field} of a triplet is {text!r:.200}; expected a name")
    if len(name) > MAX_CHARS:
        raise InvalidRecord(
            f"the {field} of a triplet has {len(name)} characters; expected at most {MAX_CHARS}, as in a name"
        )
    return name
