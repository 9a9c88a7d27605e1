"""A recogniser of the part of GBNF that the planner writes, after llama.cpp's description of the notation.

Literals, character classes, rules, sequence, alternation, groups, `?`, `*`, `+` and `{m,n}`. An escape that
llama.cpp does not know is an error here too.
"""

import re
from functools import partial

ESCAPES = {"t": "\t", "r": "\r", "n": "\n", "\\": "\\", '"': '"', "[": "[", "]": "]"}
HEX_DIGITS = {"x": 2, "u": 4, "U": 8}
TIMES = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")


class Grammar:
    """A grammar; `accepts` says whether a whole text is a sentence of it."""

    def __init__(self, source: str) -> None:
        self.rules = {}
        for line in source.removesuffix("\n").split("\n"):
            name, mark, body = line.partition(" ::= ")
            if not mark or not re.fullmatch(r"[a-z][a-z0-9-]*", name) or name in self.rules:
                raise ValueError(f"no rule: {line!r}")
            reader = _Reader(body)
            self.rules[name] = reader.alternatives()
            if reader.at != len(body):
                raise ValueError(f"{name} ends early: {body[reader.at :]!r}")
        unknown = {name for rule in self.rules.values() for name in _names(rule)} - set(self.rules)
        if unknown or "root" not in self.rules:
            raise ValueError(f"rules {unknown} are missing, or the root")

    def accepts(self, text: str) -> bool:
        return len(text) in self._ends(("rule", "root"), text, frozenset([0]))

    def _ends(self, node, text, starts):
        """Where a node can end that begins at one of these places."""
        kind, *parts = node
        if not starts:
            return frozenset()
        if kind == "literal":
            return frozenset(at + len(parts[0]) for at in starts if text.startswith(parts[0], at))
        if kind == "class":
            return frozenset(at + 1 for at in starts if at < len(text) and parts[0](text[at]))
        if kind == "rule":
            return self._ends(self.rules[parts[0]], text, starts)
        if kind == "or":
            return frozenset().union(*(self._ends(part, text, starts) for part in parts))
        if kind == "then":
            for part in parts:
                starts = self._ends(part, text, starts)
            return starts
        inner, low, high = parts
        return self._repeated(inner, low, high, text, starts)

    def _repeated(self, inner, low, high, text, starts):
        for _ in range(low):
            starts = self._ends(inner, text, starts)
        found, n = starts, low
        while starts and (high is None or n < high):
            starts = self._ends(inner, text, starts) - found
            found, n = found | starts, n + 1
        return found


class _Reader:
    """Reads the right-hand side of a rule."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def alternatives(self):
        branches = [self.sequence()]
        while self.text[self.at : self.at + 1] == "|":
            self.at += 1
            branches.append(self.sequence())
        return ("or", *branches)

    def sequence(self):
        items = []
        self.spaces()
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            items.append(self.repeated(self.item()))
            self.spaces()
        if not items:
            raise ValueError(f"an empty alternative at {self.at} of {self.text!r}")
        return ("then", *items)

    def item(self):
        character = self.text[self.at]
        if character == '"':
            self.at += 1
            return ("literal", "".join(iter(partial(self.character, '"'), None)))
        if character == "[":
            return self.character_class()
        if character == "(":
            self.at += 1
            inner = self.alternatives()
            self.expect(")")
            return inner
        name = re.compile(r"[a-z][a-z0-9-]*").match(self.text, self.at)
        if name is None:
            raise ValueError(f"expected an item at {self.at} of {self.text!r}")
        self.at = name.end()
        return ("rule", name[0])

    def repeated(self, item):
        bounds = {"?": (0, 1), "*": (0, None), "+": (1, None)}.get(self.text[self.at : self.at + 1])
        times = TIMES.match(self.text, self.at)
        if bounds is not None:
            self.at += 1
        elif times is not None:
            self.at = times.end()
            low = int(times[1])
            bounds = low, low if times[2] is None else int(times[3]) if times[3] else None
        return item if bounds is None else ("repeat", item, *bounds)

    def character_class(self):
        self.expect("[")
        is_negated = self.text[self.at] == "^"
        self.at += is_negated
        ranges = []
        while (low := self.character("]")) is not None:
            high = low
            if self.text[self.at] == "-" and self.text[self.at + 1] != "]":
                self.at += 1
                high = self.character("]")
            ranges.append((low, high))
        return ("class", lambda each: any(low <= each <= high for low, high in ranges) != is_negated)

    def character(self, end):
        """The next character; None, behind it, at the end mark."""
        character = self.text[self.at]
        self.at += 1
        if character == end:
            return None
        if character != "\\":
            return character
        escape = self.text[self.at]
        self.at += 1
        if escape in HEX_DIGITS:
            digits = self.text[self.at : self.at + HEX_DIGITS[escape]]
            self.at += HEX_DIGITS[escape]
            return chr(int(digits, 16))
        return ESCAPES[escape]  # llama.cpp refuses any other

    def expect(self, character):
        if self.text[self.at] != character:
            raise ValueError(f"expected {character} at {self.at} of {self.text!r}")
        self.at += 1

    def spaces(self):
        while self.text[self.at : self.at + 1] == " ":
            self.at += 1


def _names(node):
    kind, *parts = node
    if kind == "rule":
        yield parts[0]
    for part in parts:
        if isinstance(part, tuple):
            yield from _names(part)
