from embodied_mem.records.log import Found, Hit


def test_what_was_found_can_be_read_hit_by_hit():
    found = Found((7, 3), {"task": (1.0, 0.5), "v": (0.2, 0.1)}, 9, is_exact=True)
    assert found.hits == (Hit(7, {"task": 1.0, "v": 0.2}), Hit(3, {"task": 0.5, "v": 0.1}))


def test_without_legs_a_hit_has_no_similarity():
    assert Found((7, 3), {}, 2, is_exact=True).hits == (Hit(7, {}), Hit(3, {}))
