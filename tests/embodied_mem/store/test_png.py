"""Images become PNG files from which any reader gets the same pixels."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from embodied_mem.errors import InvalidRecord
from embodied_mem.store.png import encode_png

SHAPES = [(1, 1), (7, 5), (5, 7, 1), (3, 4, 2), (1, 9, 3), (9, 1, 3), (6, 5, 4)]


def decoded(data: bytes) -> np.ndarray:
    images = pytest.importorskip("PIL.Image")
    with images.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"
        return np.asarray(image)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_pixel_comes_back(shape):
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert np.array_equal(
        decoded(encode_png(image)), image.squeeze(-1) if shape[-1:] == (1,) and len(shape) == 3 else image
    )


@given(arrays(np.uint8, (4, 3, 3)))
def test_every_colour_comes_back(image):
    assert np.array_equal(decoded(encode_png(image)), image)


def test_a_view_with_other_strides_is_written_as_it_reads():
    image = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(6, 4, 3)[::-1, ::2]
    assert np.array_equal(decoded(encode_png(image)), image)


def test_equal_images_give_equal_bytes_and_others_do_not():
    image = np.zeros((8, 8, 3), np.uint8)
    assert encode_png(image) == encode_png(image.copy())
    assert encode_png(image) != encode_png(image + np.uint8(1))


def test_an_image_with_few_colours_is_small():
    assert len(encode_png(np.tile(np.arange(256, dtype=np.uint8), (256, 1)))) < 2_000


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((2, 2, 3)), "float64 with shape"),
        (np.zeros((2, 2, 5), np.uint8), r"shape \(2, 2, 5\)"),
        (np.zeros((0, 2, 3), np.uint8), r"shape \(0, 2, 3\)"),
        (np.zeros(4, np.uint8), r"shape \(4,\)"),
        ([[1]], "the image is list"),
    ],
)
def test_what_is_no_image_is_refused(image, message):
    with pytest.raises(InvalidRecord, match=message):
        encode_png(image)
