"""Score parts that do not depend on the query, as legs of a search."""

from collections.abc import Iterator

import numpy as np

from embodied_mem.memory.scoring import RankingWeights, recency_of
from embodied_mem.memory.views.log_views import LogViews, Standing
from embodied_mem.memory.views.view import Values
from embodied_mem.records.log import PriorLeg


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
        return [
            PriorLeg(name, values.sequences, values.values, getattr(self._weights, name))
            for name, values in self._values(standing, now_s)
        ]

    def _values(self, standing: Standing, now_s: float) -> Iterator[tuple[str, Values]]:
        weights, views, spans = self._weights, self._views, standing.spans
        if weights.recency:
            yield "recency", self._recency(now_s)
        if weights.outcome:
            yield "outcome", views.outcomes()
        if weights.surprise:
            yield "surprise", views.surprise(spans)
        if weights.utility:
            yield "utility", views.utility(spans)
        if weights.trust and len(standing.trust.sequences):
            yield "trust", standing.trust

    def _recency(self, now_s: float) -> Values:
        times_s = self._views.times_s()
        is_known = ~np.isnan(times_s.values)
        ages_s = now_s - times_s.values[is_known]
        return Values(times_s.sequences[is_known], recency_of(ages_s, self._weights.half_life_s))
