"""Overrides, checks and the configuration as JSON."""

import json

import pytest

from embodied_mem.errors import ExperimentError, UnknownName
from embodied_mem.experiments.compose import compose_config, group_names
from embodied_mem.experiments.config import differences, from_document, make_plan, to_document


def test_the_default_run_is_the_one_the_claim_rests_on():
    config = compose_config()
    assert (config.seeds, config.learning_episodes, config.held_out_episodes) == ("report", 60, 40)
    assert config.lifetimes >= 12
    assert len(config.stream.kinds) >= 12


@pytest.mark.parametrize("experiment", group_names("experiment"))
def test_every_experiment_can_be_planned(experiment):
    plan = make_plan(compose_config([f"experiment={experiment}"]))
    assert plan.config.focus in {arm.name for arm in plan.arms}


def test_an_override_after_an_experiment_wins():
    assert compose_config(["experiment=quick", "lifetimes=3"]).lifetimes == 3


def test_a_configuration_survives_json():
    config = compose_config(["experiment=claim", "planner.options.k=7"])
    assert from_document(json.loads(json.dumps(to_document(config)))) == config


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("lifetims=2", "Did you mean 'lifetimes'"),
        ("stream.kind=[a]", "Did you mean 'stream.kinds'"),
        ("lifetimes=many", "lifetimes is 'many'; expected a whole number"),
        ("limits.max_steps=x", "limits.max_steps is 'x'; expected a whole number or null"),
        ("experiment=quik", "Did you mean 'quick'"),
        ("planner=case_basd", "Did you mean 'case_based'"),
        ("lifetimes", "expected key=value"),
        ("=", "expected key=value"),
        ("+colour=red", "expected key=value"),
        ("++limits.colour=3", "expected key=value"),
        ("~lifetimes", "expected key=value"),
        ("planner=registered", "Unknown planner 'registered'"),
        ("judge=gaol", "Did you mean 'goal'"),
        ("reflector=plannr", "Did you mean 'planner'"),
        ("arms=[none", "close every bracket"),
    ],
)
def test_a_bad_override_is_named_with_what_was_expected(override, message):
    with pytest.raises((ExperimentError, UnknownName), match=message.replace("[", r"\[")):
        compose_config([override])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("lifetimes=0", "expected at least 1"),
        ("held_out_episodes=0", "expected at least 1"),
        ("workers=-1", "expected at least 0"),
        ("seeds=testing", "Unknown seed range"),
        ("lifetimes=1000000", "no block"),
        ("learning_episodes=100000", "at most 1,000"),
        ("arms=[none,memry]", "Did you mean 'memory'"),
        ("arms=[none,none]", "each once"),
        ("arms=[[none]]", "expected names, as in arms="),
        ("arms=[none,shuffled]", "add 'memory' to arms"),
        ("stream.kinds=[]", "no task kinds"),
        ("focus=memry", "Did you mean 'memory'"),
        ("stream.kinds=[a,a]", "names a twice"),
    ],
)
def test_a_run_that_cannot_be_played_is_refused_before_it_begins(override, message):
    with pytest.raises((ExperimentError, UnknownName), match=message):
        make_plan(compose_config([override]))


def test_any_keyword_of_a_planner_can_be_set():
    default = compose_config().planner.options
    assert compose_config(["planner.options.patience=4"]).planner.options == {**default, "patience": 4}


@pytest.mark.usefixtures("toy_parts")
@pytest.mark.parametrize(
    ("group", "name"), [("planner", "puller"), ("judge", "strict"), ("reflector", "moralist")]
)
def test_a_registered_part_needs_no_configuration_file(group, name):
    config = compose_config([f"{group}={name}", f"{group}.options.level=2"])
    part = getattr(config, group)
    assert (part.name, part.options) == (name, {"level": 2})
    assert from_document(json.loads(json.dumps(to_document(config)))) == config


def test_by_default_the_goal_check_judges_and_the_planner_reflects():
    config = compose_config()
    assert (config.judge.name, config.judge.options) == ("goal", {})
    assert (config.reflector.name, config.reflector.options) == ("", {})


def test_a_configuration_from_before_judges_and_reflectors_had_a_group_is_the_default_one():
    new = to_document(compose_config())
    old = from_document({key: new[key] for key in new if key not in ("judge", "reflector")})
    assert old == compose_config()
    assert not differences(old, compose_config())


@pytest.mark.usefixtures("toy_parts")
def test_a_run_is_not_resumed_with_another_judge():
    old, new = compose_config(), compose_config(["judge=strict"])
    assert differences(old, new) == ["judge.name: 'goal' -> 'strict'"]


def test_differences_name_the_keys_and_leave_out_what_computes_nothing():
    old, new = compose_config(), compose_config(["planner.options.k=1", "workers=3", "out=here"])
    assert differences(old, new) == ["planner.options.k: 5 -> 1"]


def test_a_configuration_of_another_version_is_refused():
    with pytest.raises(ExperimentError, match="another version"):
        from_document({**to_document(compose_config()), "colour": "red"})


def test_a_second_run_on_fresh_seeds_shares_no_episode_with_the_first():
    first, second = make_plan(compose_config()), make_plan(compose_config(["first_lifetime=12"]))
    seeds = [
        {trial.seed for number in plan.lifetimes for trial in plan.trials(plan.arms[0], number)}
        for plan in (first, second)
    ]
    assert not seeds[0] & seeds[1]


def test_an_experiment_may_say_which_arms_are_compared():
    plan = make_plan(compose_config(["arms=[none,memory]", "comparisons=[[memory,none]]"]))
    assert plan.config.comparisons == [["memory", "none"]]


@pytest.mark.parametrize(
    ("pairs", "message"), [("[[memory]]", "expected pairs"), ("[[memory,nono]]", "Did you mean 'none'")]
)
def test_a_comparison_of_arms_that_are_not_there_is_refused(pairs, message):
    with pytest.raises((ExperimentError, UnknownName), match=message):
        make_plan(compose_config(["arms=[none,memory]", f"comparisons={pairs}"]))
