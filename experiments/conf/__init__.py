"""Configuration groups, shipped with the package."""
