"""Score parts that do not depend on the query, as legs of a search."""

import numpy as np

from embodied_mem.errors import unknown_name
from embodied_mem.memory.scoring import RankingWeights, recency_of
from embodied_mem.memory.views.log_views import LogViews, Standing
from embodied_mem.memory.views.view import Values
from embodied_mem.records.log import PriorFormula, PriorLeg

NAMES = ("recency", "outcome", "surprise", "utility", "trust")  # in the order of the sum


class Priors:
    """Builds the legs of the priors with a weight above 0; other priors are not computed.

    Args:
        views: Views of the log; the caller updates them.
        weights: Weights of the parts.
    """

    def __init__(self, views: LogViews, weights: RankingWeights) -> None:
        self._views = views
        self._weights = weights

    def legs(self, standing: Standing, *, now_s: float) -> list[PriorLeg]:
        """Return the legs for one state of the log.

        Args:
            standing: Visible spans, archived entries and trust.
            now_s: Reference time of ages, seconds since the Unix epoch.
        """
        legs = []
        for name in NAMES:
            weight = getattr(self._weights, name)
            if weight and (name != "trust" or len(standing.trust.sequences)):
                formula = PriorFormula(
                    name=name, spans=standing.spans, now_s=now_s, half_life_s=self._weights.half_life_s
                )
                values = standing.trust if name == "trust" else prior_values(self._views, formula)
                legs.append(PriorLeg(name, values.sequences, values.values, weight, formula))
        return legs


def prior_values(views: LogViews, formula: PriorFormula) -> Values:
    """Compute the values of a prior; a server calls this with views of its own log.

    Args:
        views: Views of the log; the caller updates them.
        formula: The prior.

    Raises:
        UnknownName: There is no prior of this name.
    """
    match formula.name:
        case "recency":
            times_s = views.times_s()
            is_known = ~np.isnan(times_s.values)
            ages_s = formula.now_s - times_s.values[is_known]
            return Values(times_s.sequences[is_known], recency_of(ages_s, formula.half_life_s))
        case "outcome":
            return views.outcomes()
        case "surprise":
            return views.surprise(formula.spans)
        case "utility":
            return views.utility(formula.spans)
        case "trust":
            return views.vote_counts(formula.spans).trust
    raise unknown_name("prior", formula.name, NAMES)
