"""Derived views: computed from the log in sequence order, kept nowhere else, rebuilt at any time."""
