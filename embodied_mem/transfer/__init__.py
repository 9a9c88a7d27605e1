"""Stores on the move: branches, merges, portable folders."""
