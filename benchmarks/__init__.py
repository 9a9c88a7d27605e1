"""Benchmarks of the store, the default recall, recording and retrieval quality; see docs/benchmarks.md.

Not installed: run from the root of a checkout, such as `python -m benchmarks.store`.
"""
