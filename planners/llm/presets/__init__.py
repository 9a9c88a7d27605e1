"""Presets: a paper's way of using memory, as settings of the language planner's own parts."""
