"""Handwritten digits: MNIST, and the small set that comes with scikit-learn for machines without a network.

MNIST is looked for in the folder that the caller names, in `$HORN_DATA`, in the cache, and then downloaded. The first
place that has anything of it decides: files that a user put there and that turn out damaged are an error, never
quietly replaced by others. Only the cache, which Horn filled itself, mends itself.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .cache import data_cache
from .dataset import Dataset
from .download import fetch
from .errors import DataError, DataUnavailable
from .files import KnownFile
from .idx import parse_idx
from .scaled import ScaledArray

log = logging.getLogger("horn.data")

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
    "https://raw.githubusercontent.com/fgnt/mnist/master",
)

FILES = (
    KnownFile(
        "train-images-idx3-ubyte", 47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    KnownFile("train-labels-idx1-ubyte", 60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    KnownFile("t10k-images-idx3-ubyte", 7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    KnownFile("t10k-labels-idx1-ubyte", 10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
)

DIGITS_FOR_TRAINING = 1437  # of 1797, four fifths


def mnist(
    folder: str | os.PathLike[str] | None = None, *, download: bool = True, mirrors: Sequence[str] = MIRRORS
) -> Dataset:
    """MNIST: 60,000 training and 10,000 test images of 28 × 28 grey pixels, 10 classes.

    Args:
        folder: where to look first: a folder with the four files (gzip-compressed or not), or one that holds them in
            `mnist/`. Then `$HORN_DATA` is looked at in the same way, then the cache (`$HORN_CACHE`, by default
            `~/.cache/horn`).
        download: whether to download what was not found, into the cache.
        mirrors: addresses to download from, tried in turn.

    Returns:
        The data set; images as rows of 784 bytes that read as float32 in [0, 1].

    Raises:
        DataUnavailable: neither found nor downloaded.
        DataError: files were found that are incomplete, truncated or have a wrong checksum.
    """
    x_train, y_train, x_test, y_test = (
        parse_idx(content, file.name) for file, content in zip(FILES, _contents(folder, download, mirrors), strict=True)
    )
    return Dataset("MNIST", _pixels(x_train, 255), _labels(y_train), _pixels(x_test, 255), _labels(y_test), 10)


def digits() -> Dataset:
    """scikit-learn's digits: 1,437 training and 360 test images of 8 × 8 grey pixels, 10 classes; needs no network.

    The split is one fixed permutation: the set itself has none.

    Raises:
        DataUnavailable: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        cure = "pip install 'horn[examples]'"
        raise DataUnavailable(f"the digits come with scikit-learn, which is not installed: {cure}") from error
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    train, test = order[:DIGITS_FOR_TRAINING], order[DIGITS_FOR_TRAINING:]
    pixels = images.astype(np.uint8)
    return Dataset("digits", _pixels(pixels[train], 16), _labels(labels[train]),
                   _pixels(pixels[test], 16), _labels(labels[test]), 10)  # fmt: skip


def mnist_or_digits(
    folder: str | os.PathLike[str] | None = None, *, download: bool = True, mirrors: Sequence[str] = MIRRORS
) -> Dataset:
    """`mnist`, or `digits` with a warning in the log where MNIST is neither found nor downloaded.

    Arguments as of `mnist`.

    Raises:
        DataError: MNIST was found, damaged; this is no reason to train on something else.
        DataUnavailable: scikit-learn is not installed either.
    """
    try:
        return mnist(folder, download=download, mirrors=mirrors)
    except DataUnavailable as error:
        log.warning("%s\nTraining goes on with scikit-learn's digits (8 × 8 pixels) in place of MNIST.", error)
        return digits()


def _contents(folder: str | os.PathLike[str] | None, download: bool, mirrors: Sequence[str]) -> list[bytes]:
    """The contents of `FILES`, from the first place that has them."""
    looked = []
    for place in _given_folders(folder):
        if (found := _read_folder(place)) is not None:
            return found
        log.warning("no MNIST in %s or %s: looking further", place, place / "mnist")
        looked.append(str(place))
    cache = data_cache("mnist")
    try:
        return [_from_cache(file, cache, download, mirrors) for file in FILES]
    except DataUnavailable as error:
        looked.append(str(cache))
        cure = "put its four files into a folder and name it, as argument or in HORN_DATA"
        raise DataUnavailable(
            f"MNIST is not in {', '.join(looked)}, and {error}\nWithout a network: {cure}."
        ) from error


def _given_folders(folder: str | os.PathLike[str] | None) -> Iterator[Path]:
    for given in (folder, os.environ.get("HORN_DATA")):
        if given:
            yield Path(given).expanduser()


def _read_folder(place: Path) -> list[bytes] | None:
    """The four files in `place/mnist` or `place`; None if neither has any of them."""
    for folder in (place / "mnist", place):
        paths = [file.find(folder) for file in FILES]
        if any(paths):
            missing = ", ".join(file.name for file, path in zip(FILES, paths, strict=True) if path is None)
            if missing:
                raise DataError(
                    f"{folder} has only a part of MNIST, {missing} is missing: complete it or remove the rest"
                )
            return [file.read(path) for file, path in zip(FILES, paths, strict=True) if path is not None]
    return None


def _from_cache(file: KnownFile, cache: Path, download: bool, mirrors: Sequence[str]) -> bytes:
    path = file.find(cache)
    if path is not None:
        try:
            return file.read(path)
        except DataError as error:
            if not download:
                raise
            log.warning("%s: downloading it again", error)
    if not download:
        raise DataUnavailable(f"{file.name} was not to be downloaded")
    return fetch(file, mirrors, cache)


def _pixels(images: NDArray[np.uint8], white: int) -> ScaledArray:
    return ScaledArray(images.reshape(len(images), -1), 1 / white)


def _labels(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    return labels.astype(np.int64)
