"""Upkeep of a store: history, archive, purge, retention, attachments, checks, re-embedding."""
