"""Names of rooms and things: the class in words and a number, such as `soap 1`; rooms need no number.

Names are given for a whole home, by id, so that the task can name a thing before it is seen, and a thing of
the home itself has the same name in every problem.
"""

from collections import Counter
from collections.abc import Iterable

from embodied_mem.envs.virtualhome.home import Thing

_PREFIXES = ("clothes_", "food_", "instrument_")
_WORDS = {  # classes that are not words as they are
    "cd": "CD",
    "cd_player": "CD player",
    "ceilinglamp": "ceiling lamp",
    "clothes_pants": "trousers",
    "closetdrawer": "drawer",
    "coffe_maker": "coffee maker",
    "cpuscreen": "monitor",
    "creditcard": "credit card",
    "dvd_player": "DVD player",
    "hands_both": "hands",
    "mousepad": "mouse mat",
    "photoframe": "photo frame",
    "piano_bench": "piano bench",
    "powersocket": "power socket",
    "shoe-shine_kit": "shoe shine kit",
    "stovefan": "cooker hood",
    "tablelamp": "table lamp",
    "tooth_paste": "toothpaste",
    "tvstand": "TV stand",
    "walllamp": "wall lamp",
    "wallshelf": "wall shelf",
}


def in_words(class_name: str) -> str:
    """The class in words: `washing_machine` is a washing machine, `food_kiwi` a kiwi."""
    if class_name in _WORDS:
        return _WORDS[class_name]
    for prefix in _PREFIXES:
        class_name = class_name.removeprefix(prefix)
    return class_name.replace("_", " ").replace("-", " ")


def name_all(things: Iterable[Thing]) -> dict[int, str]:
    """Id -> name, unique in the home; numbers follow the ids."""
    counts: Counter[str] = Counter()
    names: dict[int, str] = {}
    for thing in sorted(things, key=lambda thing: thing.id):
        words = in_words(thing.class_name)
        counts[words] += 1
        names[thing.id] = words if thing.is_room else f"{words} {counts[words]}"
    return names
