import pytest

from embodied_mem import SkillCall
from embodied_mem.errors import InvalidRecord, UnknownName
from embodied_mem.testing import ExecutionContract, PolicyContract, WorldContract
from embodied_mem.testing.execution import begin_episode, run_call

pytest.importorskip("virtualhome_eval", reason="run: embodied-mem setup virtualhome")

from embodied_mem.envs.virtualhome import make_virtualhome


class TestVirtualHomeWorld(WorldContract, ExecutionContract):
    @pytest.fixture
    def world(self):
        return make_virtualhome()

    @pytest.fixture
    def call(self):
        return SkillCall("explore")

    @pytest.fixture
    def failing_call(self):
        return SkillCall("drink", {"object": "cup 99"})


class TestHomeWithPeople(WorldContract):
    @pytest.fixture
    def world(self):
        return make_virtualhome("Drink", household=1)

    @pytest.fixture
    def call(self):
        return SkillCall("explore")

    def test_people_change_the_home_from_day_to_day(self, world):
        days = []
        for seed in range(3):
            world.env.reset(seed=seed, options={"problem": "171_2"})
            days.append(world.env.changes)
        assert all(days)
        assert len(set(days)) == 3


class TestGoldPolicy(PolicyContract):
    @pytest.fixture
    def world(self):
        return make_virtualhome("Drink")

    @pytest.fixture
    def policy(self, world):
        self.first = begin_episode(world)
        return world.expert(None)

    @pytest.fixture
    def observations(self, policy):
        return [self.first.raw]  # it also reads its environment

    @pytest.fixture
    def action_space(self, world):
        return world.env.action_space


def run(world, name, **arguments):
    return run_call(world, SkillCall(name, arguments), None)[0]


@pytest.fixture
def drinking():
    """A problem of `Drink` whose rooms have all been seen."""
    world = make_virtualhome("Drink", max_steps=1_000)
    begin_episode(world)
    while run(world, "explore").is_success:
        pass
    return world


def test_every_room_has_been_seen_after_exploring(drinking):
    result = run(drinking, "explore")
    assert (result.obstacle, result.reason) == ("all_seen", "every room has been seen")


def test_what_is_held_is_missed_before_where_it_is(drinking):
    assert run(drinking, "put_on", item="keyboard 1", target="bed 1").reason == "keyboard 1 is not held"
    assert run(drinking, "put_on", item="unicorn 1", target="bed 1").reason == "unicorn 1 has not been seen"
    assert run(drinking, "drink", object="something").reason == "nothing is held"


def test_an_effect_that_holds_already_is_a_success(drinking):
    closed = next(
        each
        for each in drinking.known.sightings.values()
        if each.class_name == "dresser" and "closed" in each.states
    )
    assert run(drinking, "close", object=closed.name).is_success
    assert run(drinking, "open", object=closed.name).is_success
    assert run(drinking, "open", object=closed.name).is_success


def test_who_sits_has_to_stand_up_to_walk(drinking):
    assert "stand_up" not in {skill.name for skill in drinking.skills(None)}
    assert run(drinking, "sit", object="toilet 1").is_success
    result = run(drinking, "go_to", object="bedroom")
    assert (result.obstacle, result.reason) == ("not_standing", "the agent is sitting")
    assert "stand_up" in {skill.name for skill in drinking.skills(None)}
    assert run(drinking, "stand_up").is_success
    assert run(drinking, "go_to", object="bedroom").is_success


def test_a_third_thing_does_not_fit_into_two_hands(drinking):
    loose = [
        each.name
        for each in drinking.known.sightings.values()
        if each.class_name in ("pillow", "photoframe", "mouse", "keyboard")
    ]
    results = [run(drinking, "grab", object=name) for name in loose]
    failed = next(result for result in results if not result.is_success)
    assert failed.obstacle == "hands_full"
    assert len(failed.subjects) == 2


def test_what_is_in_a_closed_thing_is_remembered_and_out_of_reach(drinking):
    run(drinking, "open", object="microwave 1")
    inside = [each for each in drinking.known.sightings.values() if each.parent == "microwave 1"]
    run(drinking, "close", object="microwave 1")
    for each in inside:
        assert (
            run(drinking, "grab", object=each.name).reason
            == f"{each.name} is in microwave 1, which is closed"
        )


def test_arguments_must_be_texts(drinking):
    with pytest.raises(InvalidRecord, match="expected a thing"):
        drinking.start(SkillCall("grab", {"object": 7}))


def test_an_unknown_task_names_the_nearest():
    with pytest.raises(UnknownName, match="drink"):
        make_virtualhome("drinks")
