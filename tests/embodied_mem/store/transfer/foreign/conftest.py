"""Files in the shape of each system, written for these tests: none is a copy of a public file."""

import json

import pytest

from embodied_mem.store import MemoryStore


@pytest.fixture
def store(tmp_path):
    with MemoryStore.open(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def jarvis1(tmp_path):
    """`memory.json`: one good plan, one that failed, and entries that are not as JARVIS-1 writes them."""
    good = {
        "time": "2023-08-20 10:00:30",
        "status": "success",
        "image": "0000.png",
        "init_inventory": {"iron_axe": 1},
        "plan": [
            {"goal": {"logs": 1}, "type": "mine", "text": "logs"},
            {"goal": {"planks": 4}, "type": "craft", "text": "planks"},
            {"goal": {"spruce_door": 3}, "type": "craft", "text": "door of spruce"},
        ],
    }
    content = {
        "spruce_door": good,
        "gold_sword": [{**good, "status": "failure", "init_inventory": {}}, {"plan": []}],
        "no_plan": {"time": "2023-08-20 10:00:30", "status": "success"},
        "odd_status": {**good, "status": "maybe"},
        "odd_time": {**good, "time": "yesterday"},
        "odd_goal": {**good, "plan": [{"goal": {"logs": "many"}, "type": "mine"}]},
        "a list": ["no", "entry"],
    }
    file = tmp_path / "memory.json"
    file.write_text(json.dumps(content), "utf-8")
    return file


@pytest.fixture
def voyager(tmp_path):
    """A skill library: two listed skills, an earlier version of one, and what is malformed."""
    folder = tmp_path / "library" / "skill"
    for name in ("code", "description"):
        (folder / name).mkdir(parents=True)
    code = "async function shearOneCow(bot) {\n  await mineBlock(bot, 'grass', 1);\n}"
    described = (
        "async function shearOneCow(bot) {\n    // Shears one cow, after it found shears in a chest.\n}"
    )
    skills = {
        "shearOneCow": {"code": code, "description": described},
        "buildTent": {
            "code": "async function buildTent(bot) {}",
            "description": "It puts up a tent of wool.",
        },
        "noCode": {"description": "..."},
    }
    (folder / "skills.json").write_text(json.dumps(skills), "utf-8")
    (folder / "code" / "shearOneCow.js").write_text(code, "utf-8")
    (folder / "code" / "shearOneCowV2.js").write_text(code.replace("grass", "fern"), "utf-8")
    (folder / "description" / "shearOneCowV2.txt").write_text(described.replace("chest", "barrel"), "utf-8")
    (folder / "code" / "lost.js").write_text("async function lost(bot) {}", "utf-8")
    return tmp_path / "library"


@pytest.fixture
def helper(tmp_path):
    """A folder of examples: two plans, one with more than calls, a repair, and what is malformed."""
    folder = tmp_path / "examples"
    (folder / "errors").mkdir(parents=True)
    (folder / "water_flower.txt").write_text(
        "Dialogue: <Commander> give the flower water\n\nCompleted Program:\n# nothing\n\nPython Script:\n"
        'target_cup = InteractionObject("Cup", attributes = ["clean"]) # clean\n'
        'target_flower = InteractionObject("HousePlant", landmark = "Window")\n'
        "target_cup.go_to()\ntarget_cup.pickup()\ntarget_cup.pour(target_flower)\n",
        "utf-8",
    )
    (folder / "routine.txt").write_text(
        'dialogue: <Commander> lay the table as on Sundays\nspoons = InteractionObject("Spoon", "Spoon")\n'
        "for _ in range(4):\n    spoons.pickup()\n",
        "utf-8",
    )
    (folder / "errors" / "closed.txt").write_text(
        '- Input:\nFailed subgoal:\nbox = InteractionObject("Box")\nbox.empty()\n'
        "Execution error: The box is closed.\nInput dialogue: <Commander> empty the box\n"
        "- Output:\n'''\nExplain: A closed box must be opened first.\n\nPlan:\n"
        "agent = AgentCorrective()\nagent.move_back()\nbox = InteractionObject(\"Box\")\nbox.open()\n'''",
        "utf-8",
    )
    (folder / "errors" / "cut.txt").write_text("- Input:\nFailed subgoal:\nbox.empty()\n", "utf-8")
    (folder / "no_program.txt").write_text("Dialogue: <Commander> and then?", "utf-8")
    (folder / "readme.txt").write_text("what is in this folder", "utf-8")
    return folder


@pytest.fixture
def rap(tmp_path):
    """`memory_1.json`: one episode twice, one with an unknown command, and malformed ones."""
    episode = {
        "Task": "put a candle in the bathtub.",
        "Category": "put",
        "Plan": "To solve the task, I need to find a candle and put it in the bathtub.",
        "Actions": [
            "> go to shelf 2",
            "On the shelf 2, you see a candle 1.",
            "> think: here it is.",
            "OK.",
            "> take candle 1 from shelf 2",
            "You pick up the candle 1.",
            "> put candle 1 in/on bathtub 1",
            "You put the candle 1 in/on the bathtub 1.",
        ],
    }
    odd = {
        **episode,
        "Task": "look at the pen under the lamp.",
        "Actions": ["> dance 3 times", "Nothing happens."],
    }
    folder = tmp_path / "output"
    folder.mkdir()
    content = [episode, episode, odd, {"Task": "no actions"}, {**episode, "Actions": [1, 2]}, "text"]
    (folder / "memory_1.json").write_text(json.dumps(content), "utf-8")
    return folder


@pytest.fixture
def reflexion(tmp_path):
    """Two trials: results with lessons, and a log with lost, won and malformed blocks."""
    folder = tmp_path / "logs"
    folder.mkdir()
    lesson = " I looked for the kettle in the drawers. Next time I look on the stove first."
    games = [
        {"name": "env_0", "memory": [], "is_success": True},
        {"name": "env_1", "memory": [lesson], "is_success": False},
        {"name": "env_2", "memory": [3], "is_success": False},
        {"name": "env_3", "memory": []},
    ]
    (folder / "env_results_trial_0.json").write_text(json.dumps(games[:2]), "utf-8")
    games[1] = {
        **games[1],
        "memory": [lesson, "I open the fridge before I cool the kettle."],
        "is_success": True,
    }
    (folder / "env_results_trial_1.json").write_text(json.dumps(games), "utf-8")

    def block(number, task, steps, status):
        start = f"You are in the middle of a room. You see a stove 1.\nYour task is to: {task}\n"
        shown = "Interact with a household.\nYour task is to: an example of another game\n> look\nA room."
        history = f"{shown}\nHere is the task:\n{start}{steps}"
        return f"\n#####\n\nEnvironment #{number}:\n{history}\n\nSTATUS: {status}\n\n#####\n"

    lost = "> go to drawer 1\nOn the drawer 1, you see nothing.\n> think: where is it?\nOK."
    won = "> take kettle 1 from stove 1\nYou pick up the kettle 1.\n> cool kettle 1 with fridge 1\n"
    won += "You cool the kettle 1."
    log = (
        block(0, "cool the kettle.", lost, "FAIL")
        + "\n#####\n\nEnvironment #1: Success\n\n#####\n"
        + block(2, "put a cool kettle away.", won, "OK")
        + "\n#####\n\nEnvironment #3:\ncut off\n\n#####\n"
        + "\n-----\nSUCCESS: 2\nADDITIONAL SUCCESS: 1\nFAIL: 1\nTOTAL: 3\nACCURACY: 0.67\n-----"
    )
    (folder / "trial_1.log").write_text(log, "utf-8")
    return folder


@pytest.fixture
def remembr(tmp_path):
    """`captions_*.json`: an item as captioned, one as its database stores it, and malformed ones."""
    seen = {
        "id": "17.pkl",
        "position": [1.5, -2.0, 0.1],
        "theta": 3.14,
        "time": 1_700_000_000.5,
        "caption": "A blue sofa stands beside the lift.",
        "file_start": "17.pkl",
        "file_end": "18.pkl",
        "text_embedding": [0.1, 0.2],
    }
    stored = {
        "caption": "Two people wait.",
        "time": [60.0, 0.0],
        "position": [1, 2, 0],
        "theta": 0.5,
        "camera_id": "left",
    }
    bad = [
        {**seen, "position": None},
        {**seen, "time": "noon"},
        {**seen, "caption": " "},
        {**seen, "theta": "east"},
        7,
    ]
    file = tmp_path / "captions_model_3_secs.json"
    file.write_text(json.dumps([seen, stored, *bad]), "utf-8")
    return file


@pytest.fixture
def arigraph(tmp_path):
    """`log.txt`: two attempts with new, outdated and malformed triplets."""
    file = tmp_path / "log.txt"
    file.write_text(
        "Attempt: 1\n====\nStep: 1\nObservation: a hall\n"
        "New triplets: ['hall, contains, copper lamp', 'hall, has exit, north']\n"
        "Outdated triplets: Replacing: []\n"
        "Step: 2\nObservation: nothing new\nNew triplets: []\n"
        "Outdated triplets: Replacing: "
        '[["hall, contains, copper lamp -> copper lamp, is in, inventory"], ["no arrow"], '
        '["hall, has exit, north" -> "hall, has exit, south"]]\n'
        "Attempt: 2\nStep: 1\nNew triplets: ['hall, has exit, north', 'two, parts']\n"
        "Step: 2\nNew triplets: ['cut off,\n",
        "utf-8",
    )
    return file
