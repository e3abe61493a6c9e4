"""Data sets: MNIST with its download and its fall-back; images that stay bytes until a batch is gathered."""

from .dataset import Dataset
from .errors import DataError, DataUnavailable
from .handwritten import digits, mnist, mnist_or_digits
from .scaled import ScaledArray

__all__ = ["DataError", "DataUnavailable", "Dataset", "ScaledArray", "digits", "mnist", "mnist_or_digits"]
