"""Back ends: where the log is kept."""
