"""Waiting on a word of shared memory: `futex(2)` through ctypes, which releases the GIL; elsewhere short sleeps."""

import ctypes
import platform
import sys
import time

# The system call's number by machine; a machine that is not listed sleeps instead.
_NUMBER = {"x86_64": 202, "aarch64": 98, "riscv64": 98, "ppc64le": 221, "s390x": 238}.get(platform.machine(), 0)
_SUPPORTED = sys.platform == "linux" and _NUMBER > 0 and sys.maxsize > 2**32
_WAIT, _WAKE = 0, 1
_NAP = 0.0002

_libc = ctypes.CDLL(None)
yield_processor = _libc.sched_yield
"""Offer the processor to others. Releases the GIL around it, which also orders memory as a full fence does."""


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


_syscall = ctypes.CDLL(None).syscall
_syscall.argtypes = (ctypes.c_long, ctypes.c_void_p, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p)
_syscall.restype = ctypes.c_long
# Every wait is sliced, so one constant timeout serves nearly all of them.
SLICE = 0.05
_slice = _Timespec(0, int(SLICE * 1e9))
_slice_address = ctypes.addressof(_slice)

# Loads and stores keep their order on x86; elsewhere a fence stands between the data and the word that announces it.
NEEDS_FENCE = platform.machine() not in ("x86_64", "AMD64", "i686")


def wait(address: int, expected: int, seconds: float = SLICE) -> None:
    """Sleep while the 32-bit word at `address` is `expected`, at most `seconds` and `SLICE`; may return early."""
    if not _SUPPORTED:
        time.sleep(_NAP)
    elif seconds >= SLICE:
        _syscall(_NUMBER, address, _WAIT, expected, _slice_address)
    else:
        shorter = _Timespec(0, int(max(seconds, 0.0) * 1e9))
        _syscall(_NUMBER, address, _WAIT, expected, ctypes.addressof(shorter))


def wake(address: int) -> None:
    """Wake all that wait on the word at `address`."""
    if _SUPPORTED:
        _syscall(_NUMBER, address, _WAKE, 0x7FFFFFFF, None)
