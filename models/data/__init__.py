"""Data sets: MNIST with its download and its fall-back; images that stay bytes until a batch is gathered; streams."""

from .dataset import Dataset
from .draws import ExampleDraws
from .errors import DataError, DataUnavailable
from .excerpt import digits5000
from .handwritten import digits, mnist, mnist_or_digits
from .scaled import ScaledArray
from .stream import Stream

__all__ = [
    "DataError",
    "DataUnavailable",
    "Dataset",
    "ExampleDraws",
    "ScaledArray",
    "Stream",
    "digits",
    "digits5000",
    "mnist",
    "mnist_or_digits",
]
