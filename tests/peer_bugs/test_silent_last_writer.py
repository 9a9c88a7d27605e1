"""Two processes write one store: mem0 with FAISS and LangChain's FAISS lose half of it and raise no error."""

import pytest

from tests.durability.examples import Acknowledged
from tests.peer_bugs.subjects import SUBJECTS

N_EACH = 30


def check_two_writers_lose_nothing(subject, zygote, folder, n_each=N_EACH) -> None:
    """What either process was told is kept is there afterwards."""
    noted = [folder / f"{subject}-{name}.ids" for name in ("left", "right")]
    children = [
        zygote.start(
            "tests.peer_bugs.subjects:fill",
            subject=subject,
            folder=str(folder / subject),
            names=[f"{file.stem}-{n}" for n in range(n_each)],
            acknowledged=str(file),
        )
        for file in noted
    ]
    assert [zygote.wait(child) for child in children] == [0, 0]
    acknowledged = {line for file in noted for line in Acknowledged(file).lines()}
    store = SUBJECTS[subject](folder / subject)
    lost = acknowledged - set(store.ids())
    store.close()
    assert len(acknowledged) == 2 * n_each
    assert not lost, f"lost {len(lost)}"


def test_silent_last_writer(zygote, tmp_path):
    check_two_writers_lose_nothing("ours", zygote, tmp_path)


def test_the_planted_bug_is_caught(zygote, tmp_path):
    with pytest.raises(AssertionError, match="lost"):
        # So many that neither is done before the other begins, on a busy machine either.
        check_two_writers_lose_nothing("saves_over_itself", zygote, tmp_path, n_each=20 * N_EACH)
