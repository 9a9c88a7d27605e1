"""Ways of using recall: what a planner asks memory for one decision, and when."""
