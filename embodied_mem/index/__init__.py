"""The index: what a search compares against, in memory; a cache of the log that can always be rebuilt."""
