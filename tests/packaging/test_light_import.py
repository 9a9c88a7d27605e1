"""What an import loads and opens: numpy and the library itself, and no socket."""

import json
import sys

import pytest

HEAVY = {"faiss", "gymnasium", "hydra", "langchain_core", "minigrid", "omegaconf", "pydantic", "torch"}

LOADED = """
import json, sys
before = set(sys.modules)
{statement}
print(json.dumps(sorted({{name.split(".")[0] for name in set(sys.modules) - before}})))
"""

SOCKETS = """
import sys
opened = []
sys.addaudithook(lambda event, arguments: opened.append(event) if event.startswith("socket.") else None)
{statement}
sys.exit(f"opened {{opened}}" if opened else 0)
"""


def loaded_by(run_python, statement: str) -> set[str]:
    """Top-level names of the modules that a statement loads."""
    done = run_python("-c", LOADED.format(statement=statement))
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_library_loads_numpy_and_itself_only(run_python):
    loaded = loaded_by(run_python, "import embodied_mem")
    assert loaded - sys.stdlib_module_names - {"numpy"} == {"embodied_mem"}


def test_importing_the_library_leaves_the_store_for_later(run_python):
    done = run_python(
        "-c", "import embodied_mem, sys; sys.exit('embodied_mem.backends.sqlite' in sys.modules)"
    )
    assert done.returncode == 0


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]], ids=" ".join)
def test_help_loads_nothing_heavy(run_python, arguments):
    statement = (
        "import contextlib, io, runpy\n"
        f"sys.argv = ['embodied-mem', *{arguments!r}]\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    runpy.run_module('embodied_mem', run_name='__main__')"
    )
    assert not loaded_by(run_python, statement) & HEAVY


def test_the_package_can_be_run_as_a_module(run_python):
    done = run_python("-m", "embodied_mem", "--help")
    assert done.returncode == 0, done.stderr
    assert "embodied-mem" in done.stdout


@pytest.mark.parametrize("module", ["", ".agent", ".store", ".wrappers", ".testing", ".envs", ".planners"])
def test_importing_opens_no_socket(run_python, module):
    done = run_python("-c", SOCKETS.format(statement=f"import embodied_mem{module}"))
    assert done.returncode == 0, done.stderr


def test_a_missing_extra_is_one_line_with_the_command_that_installs_it(run_python):
    code = (
        "import sys; sys.modules['minigrid'] = None\n"  # an import now fails as if the package were not there
        "from embodied_mem.envs import make_world\n"
        "make_world('babyai:UnlockPickup')"
    )
    done = run_python("-c", code)
    assert done.stderr.splitlines()[-1] == (
        "embodied_mem.errors.MissingExtra: minigrid is not installed; run: pip install 'embodied-mem[grid]'"
    )


def test_the_parts_for_langchain_load_it_when_they_are_used(run_python):
    package = "embodied_mem.integrations.langchain"
    assert not loaded_by(run_python, f"import {package}") & HEAVY
    done = run_python(
        "-c",
        f"from {package} import ExperienceRetriever; import sys; sys.exit('langchain.agents' in sys.modules)",
    )
    assert done.returncode == 0, done.stderr
