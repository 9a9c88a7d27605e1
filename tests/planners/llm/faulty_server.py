"""The stand-in server as a program: it plays at random, one request in twenty is a fault, and it counts.

    python faulty_server.py KINDS

It prints its address, serves until standard input ends, and prints what it did as JSON: `requests`, `answers`
(whole answers, also odd ones) and `faults` by kind. KINDS is a list of names of `FAULTS`, with commas.
"""

import collections
import json
import random
import re
import sys
import threading

import model_server as stand_in

EVERY = 20
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
SORRY = "I am sorry, I must not do that."


def says(**message):
    """A fault: a whole answer of another kind."""

    def fault(server, handler):
        document = server.document(handler.path, {"model": "tiny", "grammar": ""}, message)
        stand_in.send(handler, json.dumps(document))

    return fault


FAULTS = {
    "429": 429,
    "500": 500,
    "close": stand_in.closes_at_once,
    "middle": stand_in.closes_in_the_middle,
    "types": stand_in.sends_wrong_types,
    "truncated": says(content='{"plan": [{"name": "take", "argum'),
    "refusal": says(content=None, refusal=SORRY),
    "hang": stand_in.hangs,
}
ODD_ANSWERS = ("truncated", "refusal")  # whole answers of the server, that cannot be read


class FaultyServer(stand_in.StandInServer):
    """Answers with any call of the grammar, and with a fault every twentieth time."""

    def __init__(self, kinds):
        super().__init__(lambda body: any_call(body["grammar"], rng))
        self.kinds, self.counted, self.lock = kinds, collections.Counter(), threading.Lock()
        rng = random.Random(0)

    def answer(self, handler):
        with self.lock:
            at = self.counted["requests"]
            self.counted["requests"] += 1
            is_fault = at % EVERY == EVERY - 1
            kind = self.kinds[at // EVERY % len(self.kinds)] if is_fault else ""
            self.counted[kind or "answers"] += 1
            if kind in ODD_ANSWERS:
                self.counted["answers"] += 1
        self.serve(handler, FAULTS[kind] if kind else None)


def any_call(grammar, rng):
    """A call that a grammar of calls allows, drawn at random."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.splitlines() if " ::= " in line)
    if "call" not in rules:
        return ""
    parts = re.findall(r'"(?:[^"\\]|\\.)*"|\w+', rng.choice(rules["call"].split(" | ")))
    return "".join(
        LITERAL.fullmatch(part)[1] if part.startswith('"') else rng.choice(LITERAL.findall(rules[part]))
        for part in parts
    )


def main():
    with FaultyServer(sys.argv[1].split(",")) as server:
        print(server.url, flush=True)
        sys.stdin.read()
    print(json.dumps(server.counted))


if __name__ == "__main__":
    main()
