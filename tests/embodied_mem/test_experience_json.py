import copy
import pickle

import numpy as np
import pytest

from embodied_mem.codec import experience_to_document
from embodied_mem.experience_entry import experience_entry
from embodied_mem.experience_json import experience_json
from embodied_mem.log import Entry
from embodied_mem.records import Experience, Scope, SkillCall, Task, texts_of


def entry_of(experience, happened_at_s=1.5):
    return experience_entry(experience, experience.scope, happened_at_s, texts_of(experience), ())


def plain(experience, happened_at_s=1.5):
    document = {**experience_to_document(experience), "happened_at_s": happened_at_s}
    return Entry(id=experience.id, kind="experience", payload=document, texts=texts_of(experience))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_a_copy_of_a_serialized_entry_is_the_plain_one(copied):
    experience = Experience(task=Task("open the door"), metadata={"n": [1]})
    assert copied(entry_of(experience)) == plain(experience)


def test_a_call_keeps_its_json_to_itself():
    call, same = SkillCall("turn", {"by": 90}, count=2), SkillCall("turn", {"by": 90}, count=2)
    text = experience_json(Experience(task=Task("x"), plan=(call,)), scope=Scope(), happened_at_s=0.0)
    assert '"plan":[{"arguments":{"by":90},"count":2,"name":"turn"}]' in text
    assert (call, hash(call), repr(call)) == (same, hash(same), repr(same))
    assert pickle.loads(pickle.dumps(call)) == same


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32(0.5), b"raw"])
def test_a_value_changed_into_what_json_cannot_carry_leaves_the_entry_plain(value):
    experience = Experience(task=Task("open the door"), metadata={"n": 1})
    experience.metadata["n"] = value
    assert type(entry_of(experience)) is Entry


def test_a_value_that_was_changed_to_hold_itself_leaves_the_entry_plain():
    experience = Experience(task=Task("open the door"), metadata={"n": {"m": 1}})
    experience.metadata["n"]["again"] = experience.metadata
    assert type(entry_of(experience)) is Entry
