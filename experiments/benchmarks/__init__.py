"""Benchmarks: the store beside its peers, the default path, what recording costs; see docs/benchmarks.md."""
