import pytest

from embodied_mem.envs.virtualhome.reasons import failure, obstacle_of


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("<character> (65) is not close to <cup> (13)", "far"),
        ("<cup> (13) is inside other closed thing", "closed_in"),
        ("<character> (65) does not have a free hand", "hands_full"),
        ("<fridge> (10) is not open or is not openable", "closed"),
        ("<fridge> (10) is still on", "running"),
        ("<television> (410) is unplugged", "unplugged"),
        ("<character> (65) is not holding <cup> (13)", "not_held"),
        ("<character> (65) is not holding a knife", "no_knife"),
        ("<character> (65) does not hold anything in hands", "empty_handed"),
        ("<character> (65) does not face <television> (410)", "not_facing"),
        ("Too many things on <chair> (12)", "occupied"),
        ("<character> (65) is sitting", "not_standing"),
        ("<character> (65) is not lying or sitting", "standing"),
        ("<character> (65) is not sitting", "standing"),
        ("<shirt> (20) is not on <character> (65)", "not_worn"),
        ("<wall> (9) can not be opened", "cannot"),
        ("whatever another version may say", "cannot"),
    ],
)
def test_every_message_of_the_simulator_has_a_code(message, code):
    assert obstacle_of(f'{message} when executing "[OPEN] <fridge> (10) [0]"') == code


@pytest.mark.parametrize(
    ("code", "reason", "subjects"),
    [
        ("unseen", "cup 1 has not been seen", ("cup 1",)),
        ("closed_in", "cup 1 is in fridge 1, which is closed", ("cup 1", "fridge 1")),
        ("hands_full", "both hands are full, with soap 1 and rag 1", ("soap 1", "rag 1")),
        ("closed", "fridge 1 is closed", ("fridge 1",)),
        ("not_held", "cup 1 is not held", ("cup 1",)),
        ("far", "fridge 1 is out of reach", ("fridge 1",)),
        ("not_standing", "the agent is lying", ()),
        ("cannot", "cup 1 cannot be put into anything", ("cup 1",)),
    ],
)
def test_a_failure_names_the_obstacle(code, reason, subjects):
    result = failure(
        code,
        ["cup 1"] if code in ("unseen", "closed_in") else ["cup 1", "fridge 1"],
        done="put into anything",
        held=["soap 1", "rag 1"],
        closed="fridge 1",
        posture="lying",
    ).result
    assert (result.obstacle, result.reason, result.subjects) == (code, reason, subjects)


def test_a_call_without_arguments_can_fail():
    assert failure("cannot", [], done="done").result.reason == "it cannot be done"
