import pytest


@pytest.mark.parametrize(
    ("room", "package", "extra"), [("langgraph", "langgraph", "langgraph"), ("mcp", "mcp", "mcp")]
)
def test_a_missing_package_names_the_extra(run_python, room, package, extra):
    program = f"import sys; sys.modules['{package}'] = None; import embodied_mem.integrations.{room}"
    done = run_python("-c", program)
    assert done.returncode == 1
    assert f"pip install 'embodied-mem[{extra}]'" in done.stderr


def test_the_room_itself_loads_none_of_them(run_python):
    program = "import sys, embodied_mem.integrations; assert not {'langgraph', 'mcp'} & set(sys.modules)"
    assert run_python("-c", program).returncode == 0
