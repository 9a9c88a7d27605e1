import pytest

from embodied_mem import SkillCall
from embodied_mem.testing import ExecutionContract, PolicyContract, WorldContract
from embodied_mem.testing.execution import begin_episode

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
