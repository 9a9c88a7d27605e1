"""What is shipped: every module of the folders, under one top level, however the wheel was built."""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

FOLDERS = {
    "embodied_mem": "embodied_mem",
    **{n: f"embodied_mem/{n}" for n in ("envs", "planners", "experiments")},
}
SHIPPED = {".yaml", ".toml", ".json", ".html", ".css", ".js", ".svg"}


def contents(wheel: Path) -> set[str]:
    """Names of the files in a wheel, without its own metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def files_of(sources: Path, suffixes: set[str]) -> set[str]:
    """Files with these suffixes by the names they must have in a wheel; symlinks are not followed."""
    return {
        f"{inside}/{file.relative_to(sources / folder)}"
        for folder, inside in FOLDERS.items()
        for file in (sources / folder).rglob("*")
        if file.suffix in suffixes and not any(part.is_symlink() for part in (file, *file.parents))
    }


def modules(names: set[str]) -> set[str]:
    return {name for name in names if name.endswith(".py")}


def test_the_modules_of_the_wheel_are_those_of_the_folders(wheel, sources):
    assert modules(contents(wheel)) == files_of(sources, {".py"})


def test_the_folders_hold_modules_to_compare(sources):
    found = files_of(sources, {".py"})
    assert {f"{inside}/__init__.py" for inside in FOLDERS.values()} <= found


def test_the_only_top_level_is_the_package(wheel):
    assert {name.split("/")[0] for name in contents(wheel)} == {"embodied_mem"}


def test_no_benchmark_is_in_the_wheel(wheel, sources):
    assert (sources / "benchmarks/store.py").exists()
    assert [name for name in contents(wheel) if "benchmark" in name or "file_calls" in name] == []


def test_the_wheel_says_that_it_is_typed(wheel):
    assert "embodied_mem/py.typed" in contents(wheel)


def test_data_files_are_in_the_wheel(wheel, sources):
    evidence = "embodied_mem/experiments/results/"  # published numbers, which nothing reads
    wanted = {name for name in files_of(sources, SHIPPED) if not name.startswith(evidence)}
    assert not wanted - contents(wheel)


def test_the_data_of_the_package_is_in_the_wheel(wheel, sources):
    data = {f"embodied_mem/data/{f.name}" for f in (sources / "embodied_mem/data").glob("*") if f.is_file()}
    assert data
    assert data <= contents(wheel)


def test_a_source_distribution_builds_the_same_wheel(wheel, wheel_from_sdist):
    assert contents(wheel_from_sdist) == contents(wheel)


def test_a_clone_without_symlinks_builds_the_same_wheel(
    wheel, clone_without_symlinks, wheel_without_symlinks
):
    assert (clone_without_symlinks / "embodied_mem/envs").read_text() == "../envs"
    assert contents(wheel_without_symlinks) == contents(wheel)


def test_a_source_distribution_brings_its_tests_and_what_they_import(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    imported = {"benchmarks/store.py", "examples/text_game_world.py"}
    assert {"tests/conftest.py", *imported, "LICENSE", "CHANGELOG.md", "README.md"} <= names


def test_the_wheel_brings_the_command(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        declared = archive.read(name).decode()
    assert "embodied-mem = embodied_mem.experiments.cli:main" in declared


@pytest.mark.slow
def test_the_wheel_of_a_clone_without_symlinks_passes_tests(
    clone_without_symlinks, wheel_without_symlinks, tmp_path
):
    installed, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    install(wheel_without_symlinks, installed)
    shutil.copytree(clone_without_symlinks / "tests", elsewhere / "tests")
    shutil.copy(clone_without_symlinks / "pyproject.toml", elsewhere)
    # One folder of each room, chosen to be quick; what is imported must be the wheel and not the checkout.
    records = "tests/embodied_mem/records/test_experience.py"
    chosen = [records, "tests/packaging/test_light_import.py", "tests/planners"]
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen]
    done = subprocess.run(
        command,
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-2_000:]


def test_every_entry_point_leads_to_something_that_can_be_called(wheel, tmp_path):
    install(wheel, tmp_path)
    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    code = (
        "from embodied_mem import registry\n"
        f"for group, names in {groups(declared)!r}.items():\n"
        "    for name in names:\n"
        "        assert callable(registry.load(group, name)), (group, name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def groups(project: dict) -> dict[str, list[str]]:
    """Declared names by registry group."""
    return {group.split(".")[1]: list(entries) for group, entries in project["entry-points"].items()}


def install(wheel: Path, target: Path) -> None:
    """Unpack a wheel with pip, without dependencies and without a network."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
    ]
    done = subprocess.run([*command, str(wheel)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
