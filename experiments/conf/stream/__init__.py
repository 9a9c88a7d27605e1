"""Streams: which task kinds a lifetime mixes."""
