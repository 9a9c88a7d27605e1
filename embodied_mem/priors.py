"""The parts of a score that do not depend on what is asked, as legs of a search over all candidates."""

from collections.abc import Iterator

import numpy as np

from embodied_mem.log import PriorLeg, Span
from embodied_mem.ranking import RankingWeights, recency_of
from embodied_mem.views.log_views import LogViews
from embodied_mem.views.view import Values


class Priors:
    """Makes the legs of those priors that have a weight; the others are not even read.

    Args:
        views: What the log says; caught up by the caller.
        weights: What each part counts.
    """

    def __init__(self, views: LogViews, weights: RankingWeights) -> None:
        self._views = views
        self._weights = weights

    def legs(self, spans: tuple[Span, ...], *, now_s: float) -> tuple[PriorLeg, ...]:
        """The legs for what is seen in these spans.

        Args:
            spans: The part of the log that is seen.
            now_s: Seconds since the Unix epoch, up to which ages are counted.
        """
        return tuple(
            PriorLeg(name, values.sequences, values.values, getattr(self._weights, name))
            for name, values in self._values(spans, now_s)
        )

    def _values(self, spans: tuple[Span, ...], now_s: float) -> Iterator[tuple[str, Values]]:
        weights, views = self._weights, self._views
        if weights.recency:
            yield "recency", self._recency(now_s)
        if weights.outcome:
            yield "outcome", views.outcomes()
        if weights.surprise:
            yield "surprise", views.surprise(spans)
        if weights.utility:
            yield "utility", views.utility(spans)
        if weights.trust and len((votes := views.vote_counts(spans)).sequences):
            yield "trust", votes.trust

    def _recency(self, now_s: float) -> Values:
        times_s = self._views.times_s()
        is_known = ~np.isnan(times_s.values)
        ages_s = now_s - times_s.values[is_known]
        return Values(times_s.sequences[is_known], recency_of(ages_s, self._weights.half_life_s))
