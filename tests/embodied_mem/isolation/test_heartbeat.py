from embodied_mem.isolation.heartbeat import Heartbeat


def test_another_reader_sees_what_is_going_on_and_for_how_long() -> None:
    mine = Heartbeat()
    other = Heartbeat(mine.path)
    mine.unlink()
    assert not mine.path.exists()
    assert other.read() == ("", 0.0, 0)
    mine.begin("step", n_steps=7)
    activity, since_s, n_steps = other.read()
    assert (activity, n_steps) == ("step", 7)
    assert 0 <= since_s < 60
    mine.end(n_steps=8)
    assert other.read() == ("", 0.0, 8)
    other.close()
    mine.close()
