"""How values travel between peers: plain data and arrays as tagged bytes, never pickles.

Encodable are None, bool, int, float, complex, str, bytes, list, tuple, dict, numpy scalars and arrays of plain dtypes,
nested at will. Types are matched exactly: a subclass (an enum, a named tuple) would silently arrive as its base.

    value  = tag payload
    N T F  None, True, False        i  int64            I  length, two's complement
    f      float64                  c  two float64      s b  length, bytes
    l t d  count, values            a g  array, scalar: dtype, ndim, shape, padding to 16, raw bytes in C order
    z    codec, size of the value, length, the value compressed
"""

import math
import struct
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .compression import THRESHOLD, Codec, codec_of
from .errors import BSPError

ALIGNMENT = 16
MAX_DEPTH = 200
_PLAIN_KINDS = "biufcSUmM"
_LENGTH = struct.Struct("<Q")
_INT64 = struct.Struct("<q")
_FLOAT64 = struct.Struct("<d")
_COMPLEX = struct.Struct("<dd")

Array = NDArray[Any]


class Encoded:
    """A value cut into small byte strings and references to its arrays, ready to be written into memory.

    Arrays are referenced, not copied: the copy is made by `write`, straight into its destination.

    Args:
        value: the value.
        address: bytes to write before it, a multiple of 16, for who sorts encodings without decoding them.

    Raises:
        BSPError: a part of the value cannot be encoded.
    """

    def __init__(self, value: object, address: bytes = b"") -> None:
        self._parts: list[bytes | Array] = [address] if address else []
        self.size = self.addressed = len(address)
        self._add(value, 0)

    @classmethod
    def of_bytes(cls, data: bytes) -> Self:
        """Return what is encoded already."""
        made = cls.__new__(cls)
        made._parts, made.size, made.addressed = [data], len(data), 0
        return made

    def write(self, memory: memoryview) -> None:
        """Write the encoding into the first `size` bytes of `memory`."""
        offset = 0
        for part in self._parts:
            if isinstance(part, bytes):
                memory[offset : offset + len(part)] = part
                offset += len(part)
            elif part.nbytes:
                target = np.frombuffer(memory, dtype=part.dtype, count=part.size, offset=offset)
                np.copyto(target.reshape(part.shape), part)
                offset += part.nbytes

    def buffers(self) -> list[bytes | memoryview]:
        """Return the encoding in pieces: those of arrays are their own memory where it is contiguous."""
        return [
            part if isinstance(part, bytes) else np.ascontiguousarray(part).reshape(-1).view(np.uint8).data
            for part in self._parts
            if isinstance(part, bytes) or part.nbytes
        ]

    def write_headers(self, memory: memoryview) -> None:
        """Write all but the contents of the arrays: whoever decodes the memory in place fills them in."""
        offset = 0
        for part in self._parts:
            if isinstance(part, bytes):
                memory[offset : offset + len(part)] = part
                offset += len(part)
            else:
                offset += part.nbytes

    def _append(self, part: bytes) -> None:
        self._parts.append(part)
        self.size += len(part)

    def _add(self, value: object, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise BSPError(f"a message may be nested {MAX_DEPTH} deep at most; does the value contain itself?")
        kind = type(value)
        if value is None:
            self._append(b"N")
        elif kind is bool:
            self._append(b"T" if value else b"F")
        elif kind is float:
            self._append(b"f" + _FLOAT64.pack(value))
        elif isinstance(value, int) and kind is int:
            self._add_int(value)
        elif isinstance(value, complex) and kind is complex:
            self._append(b"c" + _COMPLEX.pack(value.real, value.imag))
        elif isinstance(value, str) and kind is str:
            self._add_bytes(b"s", value.encode("utf-8", "surrogatepass"))
        elif isinstance(value, bytes) and kind is bytes:
            self._add_bytes(b"b", value)
        elif isinstance(value, np.ndarray) and kind in (np.ndarray, np.memmap):
            self._add_array(b"a", value)
        elif isinstance(value, np.generic):
            self._add_array(b"g", np.asarray(value))
        elif isinstance(value, (list, tuple)) and kind in (list, tuple):
            self._append((b"l" if kind is list else b"t") + _LENGTH.pack(len(value)))
            for item in value:
                self._add(item, depth + 1)
        elif isinstance(value, dict) and kind is dict:
            self._append(b"d" + _LENGTH.pack(len(value)))
            for key, item in value.items():
                self._add(key, depth + 1)
                self._add(item, depth + 1)
        else:
            raise BSPError(
                f"a message cannot hold a {kind.__module__}.{kind.__qualname__}: send None, bool, int, float, complex, "
                "str, bytes, lists, tuples and dicts of these, or numpy arrays and scalars"
            )

    def _add_int(self, value: int) -> None:
        if -(2**63) <= value < 2**63:
            self._append(b"i" + _INT64.pack(value))
        else:
            self._add_bytes(b"I", value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True))

    def _add_bytes(self, tag: bytes, data: bytes) -> None:
        self._append(tag + _LENGTH.pack(len(data)) + data)

    def _add_array(self, tag: bytes, array: Array) -> None:
        if array.dtype.kind not in _PLAIN_KINDS:
            raise BSPError(
                f"a message cannot hold an array of dtype {array.dtype}: send booleans, numbers, fixed-width strings "
                "or dates; for a structured array, send its fields"
            )
        dtype = array.dtype.str.encode()
        shape = struct.pack(f"<{array.ndim}Q", *array.shape)
        header = tag + bytes((len(dtype),)) + dtype + bytes((array.ndim,)) + shape
        padding = -(self.size + len(header)) % ALIGNMENT
        self._append(header + bytes(padding))
        self._parts.append(array)
        self.size += array.nbytes


def compressed(encoded: Encoded, by: Codec) -> Encoded:
    """Return an encoding compressed, or as it is where that gains nothing."""
    if encoded.size < THRESHOLD:
        return encoded
    memory = bytearray(encoded.size)
    encoded.write(memoryview(memory))
    address = bytes(memory[: encoded.addressed])
    del memory[: encoded.addressed]
    data = by.compress(memory)
    header = address + b"z" + bytes((by.number,)) + _LENGTH.pack(len(memory)) + _LENGTH.pack(len(data))
    return Encoded.of_bytes(header + data) if len(header) + len(data) < encoded.size else encoded


def encode(value: object) -> bytearray:
    """Return the encoding of a value in memory of its own.

    Raises:
        BSPError: a part of the value cannot be encoded.
    """
    encoded = Encoded(value)
    memory = bytearray(encoded.size)
    encoded.write(memoryview(memory))
    return memory


def decode(memory: bytearray | memoryview) -> Any:
    """Return the value encoded in `memory`. Its arrays are views of `memory`: hand over memory of your own.

    Raises:
        BSPError: the memory holds something else than an encoded value. Nothing larger than the memory is allocated,
            but for what a compressed value expands to.
    """
    try:
        return _Decoder(memory).value()
    except (TypeError, ValueError) as error:  # a list as a key, bytes that are no text
        raise BSPError(f"a message cannot be decoded: {error}") from error


class _Decoder:
    def __init__(self, memory: bytearray | memoryview) -> None:
        self._memory = memory
        self._offset = 0
        self._depth = 0

    def value(self) -> Any:
        self._depth += 1
        if self._depth > MAX_DEPTH + 1:
            raise BSPError(f"a message is nested more than {MAX_DEPTH} deep")
        value = self._tagged(self._take(1))
        self._depth -= 1
        return value

    def _tagged(self, tag: bytes) -> Any:
        if tag in _CONSTANTS:
            return _CONSTANTS[tag]
        if tag == b"i":
            return _INT64.unpack(self._take(8))[0]
        if tag == b"f":
            return _FLOAT64.unpack(self._take(8))[0]
        if tag == b"c":
            return complex(*_COMPLEX.unpack(self._take(16)))
        if tag == b"a":
            return self._array()
        if tag == b"g":
            return self._array()[()]
        if tag == b"z":
            return self._compressed()
        return self._sized(tag, _LENGTH.unpack(self._take(8))[0])

    def _sized(self, tag: bytes, length: int) -> Any:
        if tag == b"s":
            return self._take(length).decode("utf-8", "surrogatepass")
        if tag == b"b":
            return self._take(length)
        if tag == b"I":
            return int.from_bytes(self._take(length), "little", signed=True)
        if tag == b"l":
            return [self.value() for _ in range(length)]
        if tag == b"t":
            return tuple(self.value() for _ in range(length))
        if tag == b"d":
            return {self.value(): self.value() for _ in range(length)}
        raise BSPError(f"a message holds the unknown tag {tag!r} at byte {self._offset}")

    def _compressed(self) -> Any:
        if self._depth > 1:
            raise BSPError("a message is compressed in part, which no peer does")
        by = codec_of(self._take(1)[0])
        size = _LENGTH.unpack(self._take(8))[0]
        expanded = by.expand(self._take(_LENGTH.unpack(self._take(8))[0]), size)
        if expanded[:1] == b"z":
            raise BSPError("a message is compressed twice, which no peer does")
        return decode(expanded)

    def _array(self) -> Array:
        dtype = self._dtype(self._take(self._take(1)[0]))
        ndim = self._take(1)[0]
        shape = struct.unpack(f"<{ndim}Q", self._take(8 * ndim))
        self._offset += -self._offset % ALIGNMENT
        count = math.prod(shape)
        self._check(self._offset + count * dtype.itemsize)
        try:
            if count * dtype.itemsize == 0:
                return np.empty(shape, dtype)
            array = np.frombuffer(self._memory, dtype=dtype, count=count, offset=self._offset).reshape(shape)
        except ValueError as error:  # more dimensions than numpy has, or more elements than can be counted
            raise BSPError(f"a message holds an array of {ndim} dimensions that numpy refuses: {error}") from error
        self._offset += array.nbytes
        return array

    @staticmethod
    def _dtype(name: bytes) -> np.dtype[Any]:
        try:
            dtype = np.dtype(name.decode("ascii"))
        except (TypeError, ValueError, SyntaxError) as error:
            raise BSPError(f"a message holds an array of the unknown dtype {name!r}") from error
        if dtype.kind not in _PLAIN_KINDS:
            raise BSPError(f"a message holds an array of dtype {dtype}, which no peer sends")
        return dtype

    def _check(self, end: int) -> None:
        if end > len(self._memory):
            raise BSPError(f"a message ends after {len(self._memory)} bytes, {end} are needed")

    def _take(self, length: int) -> bytes:
        end = self._offset + length
        self._check(end)
        data = bytes(self._memory[self._offset : end])
        self._offset = end
        return data


_CONSTANTS: dict[bytes, Any] = {b"N": None, b"T": True, b"F": False}
