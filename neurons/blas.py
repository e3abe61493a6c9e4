"""Which of the BLAS libraries of a process Horn computes with: SciPy's, whose addresses its kernels call."""

from __future__ import annotations

from pathlib import Path


def is_numpys(filepath: str) -> bool:
    """Whether a library is the copy that NumPy's wheel brings for itself."""
    folder = Path(filepath).parent
    return folder.name == "numpy.libs" or folder.parts[-2:] == ("numpy", ".dylibs")
