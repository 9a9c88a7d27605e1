"""Models: what the planner asks, and what surrounds it: prices, logs, limits, recordings."""
