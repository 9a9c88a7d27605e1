"""What recording writes, byte by byte: hashes are made of it, so a record made again must give the same."""

import numpy as np
import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.memory.experience_memory import ExperienceMemory
from embodied_mem.records import Attachment, Experience, Origin, Outcome, Scope, SkillCall, Task
from embodied_mem.records.spaces import FieldVector, Space

BARE = Experience(id="bare", task=Task("look"))
FULL = Experience(
    id="full",
    task=Task('go to "Zürich" \\ 北京 \U0001f916\n', kind="go", instance='Home-v0#7?{"n":1}'),
    state="a door\tand\x7f a key\x00",
    plan=(
        SkillCall("turn", {"by": 90, "fast": True, "path": [1, [2.5, None]], "to": {"b": "é", "a": -0.0}}),
        SkillCall("forward", count=7),
        SkillCall("forward", count=7),
    ),
    outcome=Outcome(
        status="failure",
        reward=-1e-7,
        explanation="the door is locked",
        steps=40,
        cost={"usd": 0.1, "tokens": 2},
    ),
    state_after="at the door",
    kind="repair",
    scope=Scope(agent="me", place="kitchen"),
    facts={"z": {"y": {"x": [{}, [], ""]}}, "a": 1e300, "large": 2**62},
    sources=("bare", "other"),
    recalled=("bare",),
    origin=Origin(
        run="r",
        attempt="a",
        episode=3,
        first_step=0,
        last_step=40,
        planner="p",
        model="m",
        versions={"env": "1", "action": "2"},
    ),
    happened_at_s=1.5e9,
    position_m=(1, -2.25, 0.1),
    metadata={"score": np.float32(0.1), "n": np.int64(3), "xy": np.arange(2)},
    vectors=(
        FieldVector(
            field="image",
            space=Space(name="camera", version="1", dimension=3),
            values=np.array([0.5, -1, 2], np.float32),
        ),
    ),
    attachments=(Attachment(role="image", digest="ab" * 32, media_type="image/png"),),
)

# Taken from commit b2092bb, which wrote experiences by code of its own beside the codec.
DIGESTS = {"bare": "2dcba3bf02cec608c3eb18a648cb0977", "full": "cf130865b6a3d4e3ba022ab662801714"}
BARE_PAYLOAD = (
    '{"attachments":[],"facts":{},"happened_at_s":1234.5,"id":"bare","kind":"episode","metadata":{},'
    '"origin":{"attempt":"","episode":null,"first_step":null,"last_step":null,"model":"","planner":"",'
    '"run":"","versions":{}},"outcome":{"cost":{},"explanation":"","reward":null,"status":"unverified",'
    '"steps":null},"plan":[],"recalled":[],"schema_version":1,"scope":{"agent":"robot-1","person":"",'
    '"place":"","run":"","world":"home"},"sources":[],"state":"","state_after":"",'
    '"task":{"instance":"","kind":"","text":"look"}}'
)


@pytest.fixture(params=[1, 10])
def rows(tmp_path, request):
    """Id -> digest, payload and texts as they stand in the tables; committed one by one, and together."""
    with SqliteBackend(tmp_path / "log.sqlite", commit_every=request.param) as backend:
        memory = ExperienceMemory(backend, scope=Scope(agent="robot-1", world="home"), clock=lambda: 1234.5)
        for experience in (BARE, FULL):
            memory.record(experience)
        with backend._reading() as db:
            found = db.execute(
                "SELECT id, lower(hex(digest)), payload, texts FROM entries JOIN contents USING (sequence)"
            ).fetchall()
    return {identity: content for identity, *content in found}


def test_recorded_experiences_have_the_digests_they_always_had(rows):
    assert {identity: digest for identity, (digest, _, _) in rows.items()} == DIGESTS


def test_the_json_is_written_as_it_always_was(rows):
    assert rows["bare"][1:] == [BARE_PAYLOAD, '{"task":"look"}']
