"""What the documents promise: their code runs, their commands are checked, their links lead somewhere."""

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from embodied_mem import IndexOptions

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
CI = ROOT / ".ci" / "run"
FENCE = re.compile(r"^ *```")
PRINTED = re.compile(r"^<!-- prints -->\n```text\n(.*?\n)```$", re.M | re.S)  # by the code of the page


def page_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def code_of(page: Path) -> str:
    """The ```python blocks of a page as one program in which lines keep their numbers."""
    lines, inside = [], False
    for line in page.read_text("utf-8").splitlines():
        if FENCE.match(line):
            inside = not inside and line.strip() == "```python"
            lines.append("")
        else:
            lines.append(line if inside else "")
    return "\n".join(lines)


def marked_command(name: str) -> str:
    """The fenced block of the README after `<!-- ci: NAME -->`."""
    found = re.findall(
        rf"^<!-- ci: {name} -->\n```\w*\n(.*?)\n```$", (ROOT / "README.md").read_text("utf-8"), re.M | re.S
    )
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("page", [page for page in PAGES if code_of(page).strip()], ids=page_name)
def test_the_python_of_a_page_runs(page, run_python, tmp_path):
    program = tmp_path / "code_of_the_page.py"  # a name that hides no module
    program.write_text(code_of(page), "utf-8")
    done = run_python("-W", "error::DeprecationWarning:__main__", str(program))
    assert done.returncode == 0, done.stderr
    for shown in PRINTED.findall(page.read_text("utf-8")):
        assert shown in done.stdout


def test_the_readme_shows_python_that_runs():
    assert "record_experience(" in code_of(ROOT / "README.md")


@pytest.mark.skipif(shutil.which("bash") is None, reason=".ci/run is a bash script and there is no bash")
@pytest.mark.parametrize("name", ["test", "run"])
def test_ci_runs_the_command_that_the_readme_shows(name, tmp_path):
    shown = subprocess.run(["bash", CI, "--show", name], cwd=tmp_path, capture_output=True, text=True)
    assert shown.stdout.strip() == marked_command(name).strip(), shown.stderr


def test_each_command_of_the_readme_makes_an_environment_of_its_own():
    environments = [re.findall(r"-m venv (\S+)", marked_command(name)) for name in ("run", "test")]
    assert [len(found) for found in environments] == [1, 1]
    assert environments[0] != environments[1]


@pytest.mark.parametrize(("name", "part"), [("run", "embodied-mem run"), ("test", "-m pytest")])
def test_the_commands_of_the_readme_are_one_line_each(name, part):
    command = marked_command(name)
    assert part in command
    assert "\n" not in command


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_within_the_repository_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_a_page_names_no_path_of_somebodys_machine(page):
    found = re.findall(r"(?<![\w.])/(?:work|home|root|Users|mnt)/\S*", page.read_text("utf-8"))
    assert not found


def test_every_option_of_the_index_is_described_with_its_default():
    rows = re.findall(r"^\| (`.*) \|$", (ROOT / "docs" / "vectors.md").read_text("utf-8"), re.M)
    for field in dataclasses.fields(IndexOptions):
        [row] = [row for row in rows if f"`{field.name}`" in row.split(" | ")[0]]
        default = f"{field.default:,}" if isinstance(field.default, int) else f"{field.default}"
        assert default in row.split(" | ")[1]
