"""Model files: safetensors, with the architecture as JSON in the metadata and a checksum over all of it.

safetensors refuses files that are truncated or have a bad header, but takes a flipped bit in a tensor for a number:
hence the checksum. Nothing in such a file is ever executed: it holds numbers and names.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ..errors import ModelFileError

FORMAT, VERSION = "horn-model", 1
CURE = "get it anew, or train and save the model again"

#: First bytes of files that are often taken for a model, and what they are.
FOREIGN = {
    b"\x80": "a pickle, which could run any program when opened and is never read",
    b"PK": "a zip archive (a file of PyTorch, or .npz)",
    b"\x93NUMPY": "an .npy array",
    b"\x89HDF": "an HDF5 file (of Keras, for instance)",
    b"\x1f\x8b": "compressed with gzip",
}

Tensors = dict[str, NDArray[np.float32]]


def write_model(path: str | os.PathLike[str], network: Mapping[str, Any], tensors: Tensors) -> None:
    """Write a model file: under another name first, so that the old file or the new one is there, whole.

    Raises:
        ModelFileError: the file cannot be written.
    """
    text = json.dumps(network)
    metadata = {"format": FORMAT, "version": str(VERSION), "network": text, "checksum": checksum(text, tensors)}
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(save(tensors, metadata))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise ModelFileError(f"{target} cannot be written: {error.strerror or error}") from error


def read_model(path: str | os.PathLike[str]) -> tuple[dict[str, Any], Tensors]:
    """Read a model file and check it.

    Returns:
        The description of the network, and the tensors by name.

    Raises:
        ModelFileError: no such file, not a model of Horn, of a newer format, or damaged.
    """
    source = Path(path)
    _refuse_foreign(source)
    try:
        with safe_open(source, framework="numpy") as file:
            metadata: dict[str, str] = file.metadata() or {}
            _require_format(source, metadata)
            names = list(file.keys())
            tensors: Tensors = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelFileError(f"{source} is damaged or no safetensors file ({error}): {CURE}") from error
    text = metadata.get("network", "")
    if checksum(text, tensors) != metadata.get("checksum"):
        raise ModelFileError(f"{source} is damaged, its checksum is not the one that it was saved with: {CURE}")
    try:
        return json.loads(text), tensors
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{source} holds no description of a network ({error}): {CURE}") from error


def checksum(network: str, tensors: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 over the description of a network and its tensors, in hexadecimal."""
    digest = hashlib.sha256(network.encode())
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        digest.update(f"\0{name} {array.dtype.str} {array.shape}\0".encode())
        digest.update(array.data)
    return digest.hexdigest()


def _refuse_foreign(source: Path) -> None:
    try:
        with source.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise ModelFileError(f"{source} cannot be read: {error.strerror or error}") from error
    for magic, what in FOREIGN.items():
        if start.startswith(magic):
            raise ModelFileError(f"{source} is no model of Horn but {what}: load a file that NeuralNetwork.save wrote")


def _require_format(source: Path, metadata: Mapping[str, str]) -> None:
    if metadata.get("format") != FORMAT:
        raise ModelFileError(
            f"{source} is a safetensors file, but no model of Horn (format {metadata.get('format')!r}): "
            "load a file that NeuralNetwork.save wrote"
        )
    version = metadata.get("version", "")
    if version != str(VERSION):
        raise ModelFileError(
            f"{source} has version {version!r} of the format, this Horn reads {VERSION}: use the Horn that wrote it"
        )
