"""A server as a back end: what crosses the wire does not grow with the log, and the answers are the same."""

import json
from typing import Any

import numpy as np
import pytest

from embodied_mem import Experience, ExperienceMemory, Outcome, Query, RankingWeights, Task
from embodied_mem.backends.in_memory import InMemoryBackend
from embodied_mem.errors import UnknownName
from embodied_mem.memory.priors import prior_values
from embodied_mem.memory.views.log_views import LogViews
from embodied_mem.records.filters import to_document
from embodied_mem.records.log import Found, PriorFormula, PriorLeg, Search, Span, TextLeg

WEIGHTS = RankingWeights(recency=0.3, outcome=0.3, surprise=0.3, utility=0.3, trust=0.4, half_life_s=100.0)


class Server:
    """Has a log, and computes priors from it; it is told everything as JSON text."""

    def __init__(self) -> None:
        self.log = InMemoryBackend()
        self.views = LogViews(self.log)

    def search(self, request: str) -> Found:
        asked = json.loads(request)
        self.views.catch_up()
        spans = tuple(Span(*span) for span in asked["spans"])
        legs = tuple(self._leg(leg) for leg in asked["legs"])
        return self.log.search(Search(legs=legs, spans=spans, k=asked["k"], kind=asked["kind"]))

    def _leg(self, leg: dict[str, Any]) -> TextLeg | PriorLeg:
        if "text" in leg:
            return TextLeg(leg["name"], leg["text"], tuple(leg["fields"]), leg["weight"])
        spans = tuple(Span(*span) for span in leg["formula"].pop("spans"))
        values = prior_values(self.views, PriorFormula(spans=spans, **leg["formula"]))
        return PriorLeg(leg["name"], values.sequences, values.values, leg["weight"])


class Client(InMemoryBackend):
    """Sends searches as JSON; everything else it asks of the server's log directly."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server
        self.sent: list[str] = []
        self.append, self.get, self.changes_since = (
            server.log.append,
            server.log.get,
            server.log.changes_since,
        )

    def search(self, search: Search) -> Found:
        assert search.without is None
        request = {
            "legs": [self._leg(leg) for leg in search.legs],
            "where": to_document(search.where),
            "spans": [[span.first, span.last] for span in search.spans],
            "k": search.k,
            "kind": search.kind,
        }
        self.sent.append(json.dumps(request))
        return self.server.search(self.sent[-1])

    def _leg(self, leg: TextLeg | PriorLeg) -> dict[str, Any]:
        if isinstance(leg, TextLeg):
            return {"name": leg.name, "text": leg.text, "fields": leg.fields, "weight": leg.weight}
        assert leg.formula is not None
        formula = {
            "name": leg.formula.name,
            "spans": [[span.first, span.last] for span in leg.formula.spans],
            "now_s": leg.formula.now_s,
            "half_life_s": leg.formula.half_life_s,
        }
        return {"name": leg.name, "weight": leg.weight, "formula": formula}


def lived(backend: InMemoryBackend, n: int) -> ExperienceMemory:
    memory = ExperienceMemory(backend, weights=WEIGHTS, clock=lambda: 1_000.0)
    for number in range(n):
        memory.record(
            Experience(
                id=str(number),
                task=Task(f"open door {number % 7}", kind="doors"),
                outcome=Outcome(status=("success", "failure", "unverified")[number % 3]),
                happened_at_s=float(number),
                recalled=(str(number - 1),) if number % 2 else (),
            )
        )
        if number % 5 == 0:
            memory.feedback(str(number), helped=number % 2 == 0)
    return memory


@pytest.mark.parametrize("order", ["best", "first", "last"])
def test_a_recall_sends_as_much_for_a_large_log_as_for_a_small_one(order):
    sizes = {}
    for n in (20, 400):
        client = Client(Server())
        remote, local = lived(client, n), lived(InMemoryBackend(), n)
        query = Query(task=Task("open door 3"), order=order, k=7)
        remote.recall(query)  # reads what is new in the log
        client.sent.clear()
        assert remote.recall(query) == local.recall(query)
        sizes[n] = max(map(len, client.sent))
    assert sizes[400] <= sizes[20] + 10  # a number of the log has more digits


def test_every_prior_of_a_search_has_its_formula():
    legs = []

    class Watching(InMemoryBackend):
        def search(self, search):
            legs.extend(leg for leg in search.legs if isinstance(leg, PriorLeg))
            return super().search(search)

    lived(Watching(), 30).recall("door")
    assert {leg.formula.name for leg in legs} == {"recency", "outcome", "surprise", "utility", "trust"}


def test_a_formula_gives_the_values_of_its_leg():
    backend = InMemoryBackend()
    legs = []

    class Watching(InMemoryBackend):
        def search(self, search):
            legs.extend(leg for leg in search.legs if isinstance(leg, PriorLeg))
            return super().search(search)

    watching = Watching()
    lived(watching, 30).recall("door")
    views = LogViews(watching)
    views.catch_up()
    for leg in legs:
        values = prior_values(views, leg.formula)
        assert np.array_equal(values.sequences, leg.sequences), leg.name
        assert np.array_equal(values.values, leg.values), leg.name
    with pytest.raises(UnknownName, match=r"Unknown prior 'recensy'. Did you mean 'recency'"):
        prior_values(LogViews(backend), PriorFormula(name="recensy", spans=(Span(),), now_s=0, half_life_s=1))
