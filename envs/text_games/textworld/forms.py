"""The kinds of command of TextWorld's games."""

from embodied_mem.envs.text_games.commands import CommandGrammar, Form

FORMS = (
    Form("look", "look", "Read again what is in the room."),
    Form("inventory", "inventory", "Read again what is carried."),
    Form("go", "go {direction}", "Walk to the next room.", ("travel {direction}", "head {direction}")),
    Form("examine", "examine {object}", "Read what there is to say about a thing.", ("read {object}",)),
    Form("open", "open {object}", "Open a door or a container."),
    Form("close", "close {object}", "Close a door or a container."),
    Form(
        "take",
        "take {object}",
        "Pick up a thing from the floor.",
        (
            "pick up {object} from the floor",
            "lift {object} from the floor",
            "recover {object} from the floor",
        ),
    ),
    Form("take_from", "take {object} from {source}", "Take a thing off or out of another one."),
    Form("drop", "drop {object}", "Put a thing on the floor."),
    Form("put_on", "put {item} on {target}", "Put a thing on another one.", ("place {item} on {target}",)),
    Form("insert", "insert {item} into {target}", "Put a thing into an open one."),
    Form("unlock", "unlock {object} with {tool}", "Unlock a door or a container with its key."),
    Form("lock", "lock {object} with {tool}", "Lock a door or a container with its key."),
    Form("eat", "eat {object}", "Eat what can be eaten."),
    Form("drink", "drink {object}", "Drink what can be drunk."),
    Form("cook", "cook {object} with {tool}", "Cook food; an oven roasts, a stove fries, a barbecue grills."),
    Form("slice", "slice {object} with {tool}", "Slice food with a knife."),
    Form("dice", "dice {object} with {tool}", "Dice food with a knife."),
    Form("chop", "chop {object} with {tool}", "Chop food with a knife."),
    Form("prepare_meal", "prepare meal", "Make the meal of the recipe from what is carried, in the kitchen."),
)


def grammar() -> CommandGrammar:
    """The grammar of these commands."""
    return CommandGrammar(FORMS)
