"""Images as PNG bytes, lossless, with the standard library alone."""

import struct
import zlib

import numpy as np
import numpy.typing as npt

from embodied_mem.errors import InvalidRecord

MAX_SIDE = 2**31 - 1  # of the format

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # channels -> grey, grey with alpha, RGB, RGBA
_UP = 2  # the filter that stores the difference to the row above


def encode_png(image: "npt.NDArray[np.uint8]") -> bytes:
    """Return an image as the bytes of a PNG file.

    Args:
        image: (h, w) or (h, w, 1) uint8 grey, (h, w, 2) grey and alpha, (h, w, 3) RGB, (h, w, 4) RGBA; at
            least one pixel.

    Raises:
        InvalidRecord: The array has another shape or type.
    """
    pixels = _checked(image)
    height, width, channels = pixels.shape
    rows = pixels.reshape(height, width * channels)
    lines = np.full((height, 1 + rows.shape[1]), _UP, np.uint8)  # each line begins with its filter
    lines[0, 1:] = rows[0]
    lines[1:, 1:] = rows[1:] - rows[:-1]  # wraps around, as the format wants
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    body = zlib.compress(lines.tobytes())
    return b"".join((_SIGNATURE, _chunk(b"IHDR", header), _chunk(b"IDAT", body), _chunk(b"IEND", b"")))


def _checked(image: "npt.NDArray[np.uint8]") -> "npt.NDArray[np.uint8]":
    what = f"{type(image).__name__}"
    if isinstance(image, np.ndarray):
        what = f"an array of {image.dtype} with shape {image.shape}"
        pixels = image[..., np.newaxis] if image.ndim == 2 else image
        is_valid = pixels.ndim == 3 and min(pixels.shape) > 0 and max(pixels.shape) <= MAX_SIDE
        if image.dtype == np.uint8 and is_valid and pixels.shape[2] in _COLOUR_TYPES:
            return np.ascontiguousarray(pixels)
    raise InvalidRecord(f"the image is {what}; expected uint8 of shape (h, w), (h, w, 3) or (h, w, 4)")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
