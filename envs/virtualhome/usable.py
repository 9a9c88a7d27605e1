"""Which of the 342 problems can be played: those that ask for something."""

from embodied_mem.envs.virtualhome.problems import Problem, all_problems


def usable_problems() -> tuple[Problem, ...]:
    """The 338 problems with a goal, in the order of the dataset; the goals of four are empty.

    None of them holds before the first step; tests/envs/virtualhome/test_gold_programs.py plays them all.

    Raises:
        MissingExtra: The simulator is not installed.
    """
    return tuple(problem for problem in all_problems() if not problem.goal.is_empty)
