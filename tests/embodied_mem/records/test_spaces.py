import numpy as np
import pytest

from embodied_mem.backends.sqlite import SqliteBackend
from embodied_mem.errors import InvalidRecord
from embodied_mem.records.log import Entry
from embodied_mem.records.spaces import FieldVector, Space

SPACE = Space(name="net", version="1", dimension=2)


def test_a_dimension_of_numpy_is_kept_as_a_number(tmp_path):
    """SQLite would keep it as bytes, and the store could not be opened again."""
    space = Space(name="net", version="1", dimension=np.int64(2))
    vector = FieldVector(field="v", space=space, values=np.ones(2))
    with SqliteBackend(tmp_path / "log.sqlite") as backend:
        backend.append([Entry(id="a", kind="experience", payload={}, vectors=(vector,))])
    with SqliteBackend(tmp_path / "log.sqlite") as backend:
        assert backend.spaces() == {"v": SPACE}


@pytest.mark.parametrize("dimension", [0, 70_000, 3.0, "3", True, None])
def test_a_dimension_is_a_bounded_count(dimension):
    with pytest.raises(InvalidRecord, match="dimension is"):
        Space(name="net", version="1", dimension=dimension)


def test_an_unknown_metric_lists_the_known_ones():
    with pytest.raises(InvalidRecord, match="'dot'; expected one of cosine, euclidean"):
        Space(name="net", version="1", dimension=2, metric="dot")


@pytest.mark.parametrize("values", [["a", "b"], [1j, 2], None, "ab", [[1], [1, 2]], [1e300, 0], [np.nan, 0]])
def test_values_that_are_no_finite_real_numbers_are_refused(values):
    with pytest.raises(InvalidRecord, match="vector 'v'"):
        FieldVector(field="v", space=SPACE, values=values)


@pytest.mark.parametrize("value", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 1])
def test_a_value_that_is_not_finite_is_refused_wherever_it_stands(value, place):
    values = np.full(2, 1.5, np.float32)
    values[place] = value
    with pytest.raises(InvalidRecord, match=rf"vector 'v' holds .* at {place}; expected finite numbers"):
        FieldVector(field="v", space=SPACE, values=values)


@pytest.mark.parametrize("value", [3.4e38, -3.4e38, 1e-45, -0.0])
def test_a_finite_value_of_any_size_is_kept(value):
    vector = FieldVector(field="v", space=SPACE, values=np.full(2, value, np.float32))
    assert vector.values.tolist() == [float(np.float32(value))] * 2


def test_a_vector_without_a_space_is_refused():
    with pytest.raises(InvalidRecord, match="expected a Space"):
        FieldVector(field="v", space=None, values=[1, 2])


def test_a_printed_vector_leaves_its_numbers_out():
    """A printed hit would otherwise be 512 numbers and little else."""
    assert "0.125" not in repr(FieldVector(field="v", space=SPACE, values=[0.125, 0.125]))
