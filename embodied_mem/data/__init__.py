"""Data files that come with the library."""
