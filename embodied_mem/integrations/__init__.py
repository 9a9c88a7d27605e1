"""Bridges to other libraries and languages: filters as SQL, and as metadata filters of LangChain."""

from embodied_mem.integrations.langchain_filters import (
    FAISS,
    PORTABLE,
    FilterDialect,
    to_langchain_filter,
    to_langchain_metadata,
)
from embodied_mem.integrations.sql_filters import SqlCondition, to_sql

__all__ = [
    "FAISS",
    "PORTABLE",
    "FilterDialect",
    "SqlCondition",
    "to_langchain_filter",
    "to_langchain_metadata",
    "to_sql",
]
