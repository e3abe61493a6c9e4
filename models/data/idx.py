"""The IDX format of MNIST: a magic number that names type and rank, the sizes, the values, all big-endian.

Source: Y. LeCun, C. Cortes, "The MNIST database of handwritten digits", file formats.
"""

import math
import struct

import numpy as np
from numpy.typing import NDArray

from .errors import DataError

UNSIGNED_BYTE = 0x08


def parse_idx(content: bytes, name: str) -> NDArray[np.uint8]:
    """Read the content of an IDX file of unsigned bytes.

    Args:
        content: the whole, decompressed file.
        name: what to call it in an error.

    Returns:
        A read-only view of `content` in the shape that its header gives.

    Raises:
        DataError: not IDX, of another type than unsigned bytes, or of another length than the header says.
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != UNSIGNED_BYTE:
        raise DataError(f"{name} is no IDX file of unsigned bytes: it begins with {content[:4]!r}, not 00 00 08")
    header = 4 + 4 * content[3]
    if len(content) < header:
        raise DataError(f"{name} ends inside its header, after {len(content)} of {header} bytes: get it anew")
    shape = struct.unpack(f">{content[3]}I", content[4:header])
    expected = header + math.prod(shape)
    if len(content) != expected:
        raise DataError(f"{name} has {len(content)} bytes, its header of shape {shape} says {expected}: get it anew")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
