import pytest

from embodied_mem.envs.minigrid import codes, navigation


def actions(seen, goals):
    pose, found = seen.pose_state, []
    for following in navigation.route(seen, goals):
        found.append(navigation.action_between(pose, following))
        pose = following
    return found


def seen_by(room):
    return room.world._seen


def test_a_route_counts_turns(drawn):
    seen = seen_by(drawn("##### #>..# #...# #####"))
    here, south = seen.position, seen.steps[1]
    assert actions(seen, {(here + south) * 4 + 1}) == [codes.RIGHT, codes.FORWARD]
    assert actions(seen, {(here + 1) * 4 + 2}) in (
        [codes.FORWARD, codes.LEFT, codes.LEFT],
        [codes.FORWARD, codes.RIGHT, codes.RIGHT],
    )


def test_there_is_no_route_to_where_the_agent_is(drawn):
    seen = seen_by(drawn("##### #>..# #####"))
    assert navigation.route(seen, {seen.pose_state}) == []


def test_there_is_no_route_through_a_closed_door_or_over_unseen_cells(drawn):
    seen = seen_by(drawn("###### #>d..# ######"))
    assert navigation.route(seen, {(seen.position + 2) * 4}) is None
    assert navigation.route(seen, set()) is None


@pytest.mark.parametrize(
    ("drawing", "expected"),
    [
        ("######### #..d.>D.# #########", "grey door 1"),
        ("######### #b..>D..# #.####### #.####### #.####### #.####### #########", "blue ball 1"),
    ],
)
def test_a_closed_door_and_an_object_are_cheaper_to_pass_than_a_locked_door(drawn, drawing, expected):
    room = drawn(drawing)
    room.act(codes.LEFT, codes.LEFT)
    seen = seen_by(room)
    way = navigation.cheapest_way(seen, navigation.beyond(seen))
    assert [seen.things[cell].ref for cell in way if cell in seen.things] == [expected]


def test_the_frontier_looks_at_unseen_cells_only(drawn):
    seen = seen_by(drawn("###### #..>.# #....# ######"))
    for pose in navigation.frontier(seen):
        assert seen.cells[(pose >> 2) + seen.steps[pose & 3]] == codes.UNSEEN
        assert seen.walkable[pose >> 2]


def test_a_fully_seen_room_has_no_frontier(drawn):
    room = drawn("##### #>..# #...# #####")
    room.act(*[codes.LEFT] * 4)
    assert navigation.frontier(seen_by(room)) == set()


def test_walking_distances_go_round_walls(drawn):
    room = drawn("###### #>#r.# #....# ######")
    seen = seen_by(room)
    room.act(*[codes.LEFT] * 4, codes.RIGHT, codes.FORWARD, codes.LEFT)
    ball = next(iter(seen.things))
    assert navigation.distances(seen, [ball]) == {ball: 3}
