"""LangChain's standard tests of a vector store, with words alone and with an embedding model."""

import pytest

pytest.importorskip("langchain_tests", reason="needs the extra `test`")

from langchain_core.vectorstores import VectorStore
from langchain_tests.integration_tests import VectorStoreIntegrationTests

from embodied_mem import Scope
from embodied_mem.integrations.langchain import ExperienceVectorStore, LangChainEmbedder


class TestWithAModel(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, store) -> VectorStore:
        return ExperienceVectorStore(
            store, embedder=LangChainEmbedder(self.get_embeddings(), model="fake", dimension=6)
        )


class TestWithWordsAlone(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, store) -> VectorStore:
        return ExperienceVectorStore(store)


class TestInAScope(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, store) -> VectorStore:
        for scope in (Scope(), Scope(agent="other"), Scope(agent="robot-1", place="kitchen")):
            ExperienceVectorStore(store, scope=scope).add_texts(["foo", "bar"], ids=["1", "2"])
        return ExperienceVectorStore(store, scope=Scope(agent="robot-1"))
