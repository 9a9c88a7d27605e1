"""Answers: what a model may answer, as grammar and schema, and read from its text."""
