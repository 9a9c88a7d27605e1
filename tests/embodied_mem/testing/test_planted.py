"""The helper that runs a contract against a planted fault must not see faults everywhere, nor miss one."""

import pytest
from planted import failures


class NumberContract:
    @pytest.fixture
    def number(self):
        raise NotImplementedError

    @pytest.fixture
    def double(self, number):
        return 2 * number

    def test_is_positive(self, number):
        assert number > 0

    def test_double_is_even(self, double):
        assert double % 2 == 0

    @pytest.mark.parametrize(("low", "high"), [(0, 10), (0, 5)])
    def test_is_between(self, number, low, high):
        assert low <= number <= high

    def test_raises(self, number):
        with pytest.raises(ValueError, match="invalid"):
            int("x" if number < 100 else "1")

    def test_is_skipped(self):
        pytest.skip("always")

    async def test_waits(self, number):
        assert number != 7


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (3, []),
        (-2, ["test_is_between", "test_is_positive"]),
        (9, ["test_is_between"]),
        (7, ["test_is_between", "test_waits"]),
        (0.3, ["test_double_is_even"]),
        (100, ["test_is_between", "test_raises"]),
    ],
)
def test_the_failing_tests_are_named(number, expected):
    assert failures(NumberContract, number=lambda: number) == expected


def test_a_fixture_nobody_gives_makes_the_test_fail():
    assert "test_is_positive" in failures(NumberContract)
