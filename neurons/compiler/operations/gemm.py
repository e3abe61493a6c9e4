"""Matrix products through the BLAS that SciPy brings (numba's own ``np.dot`` knows neither alpha nor beta).

The matrices of one product are all float32 or all float64. The address of ``sgemm`` or ``dgemm`` is an argument of the
kernels, not a constant in them, so that they can be cached on disk.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import get_cython_function_address, intrinsic
from numpy.typing import NDArray

from ...jit import device, kernel

# The import loads SciPy's OpenBLAS, so that limits on its threads reach it.
importlib.import_module("scipy.linalg.cython_blas")
_GEMM = {
    np.dtype(kind): np.int64(get_cython_function_address("scipy.linalg.cython_blas", name))
    for kind, name in ((np.float32, "sgemm"), (np.float64, "dgemm"))
}


def gemm_for(matrix: NDArray[np.floating]) -> np.int64:
    """The address of BLAS's matrix product for matrices like this one."""
    return _GEMM[matrix.dtype]


@intrinsic
def _gemm(typing: Any, address: Any, ta: Any, tb: Any, m: Any, n: Any, k: Any, alpha: Any, a: Any, lda: Any,
          b: Any, ldb: Any, beta: Any, c: Any, ldc: Any) -> Any:  # fmt: skip
    """Call Fortran's SGEMM or DGEMM, by the type of alpha; scalars are passed by address."""
    signature = types.void(types.int64, *(types.int32,) * 5, alpha, types.uintp, types.int32, types.uintp,
                           types.int32, alpha, types.uintp, types.int32)  # fmt: skip

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointers = []
        for position, value in enumerate(args[1:]):
            if position in (6, 8, 11):
                pointers.append(builder.inttoptr(value, ir.IntType(8).as_pointer()))
            else:
                slot = cgutils.alloca_once_value(builder, value)
                pointers.append(builder.bitcast(slot, ir.IntType(8).as_pointer()))
        function_type = ir.FunctionType(ir.VoidType(), [pointer.type for pointer in pointers])
        function = builder.inttoptr(args[0], function_type.as_pointer())
        builder.call(function, pointers)
        return context.get_dummy_value()

    return signature, generate


@device
def _stride(matrix: Any) -> Any:
    return matrix.strides[0] // matrix.itemsize


@device
def _at(matrix: Any) -> Any:
    return matrix.ctypes.data


@kernel
def forward_sums(gemm: Any, senders: Any, weights: Any, sums: Any) -> None:
    """sums = senders · weights. Shapes (b, s) · (s, n) → (b, n); rows contiguous."""
    real = sums.dtype.type
    # Row-major matrices are the transposes of what BLAS sees: Cᵀ = Bᵀ · Aᵀ.
    _gemm(gemm, 78, 78, weights.shape[1], senders.shape[0], senders.shape[1], real(1.0), _at(weights),
          _stride(weights), _at(senders), _stride(senders), real(0.0), _at(sums), _stride(sums))  # fmt: skip


@kernel
def backward_sums(gemm: Any, deltas: Any, weights: Any, sums: Any) -> None:
    """sums = deltas · weightsᵀ. Shapes (b, r) · (n, r)ᵀ → (b, n); rows contiguous."""
    real = sums.dtype.type
    _gemm(gemm, 84, 78, weights.shape[0], deltas.shape[0], deltas.shape[1], real(1.0), _at(weights),
          _stride(weights), _at(deltas), _stride(deltas), real(0.0), _at(sums), _stride(sums))  # fmt: skip


@device
def _push_turned(gemm: Any, alpha: Any, factors: Any, deltas: Any, beta: Any, update: Any) -> None:
    """`push_product` of many examples for few receivers, as deltasᵀ · factors.

    OpenBLAS 0.3.30 on AVX2, one thread, 3150 × 401 × 25: 2.0 ms against 4.5, transposing included; it is so from about
    1000 examples on, and with 16 to 64 receivers.
    """
    senders, receivers = update.shape
    turned = np.empty((receivers, senders), update.dtype)
    _gemm(gemm, 78, 84, senders, receivers, factors.shape[0], alpha, _at(factors), _stride(factors), _at(deltas),
          _stride(deltas), update.dtype.type(0.0), _at(turned), senders)  # fmt: skip
    for i in range(senders):
        for j in range(receivers):
            # As in BLAS: with beta 0 nobody reads what was there, which may be no number.
            update[i, j] = turned[j, i] + (beta * update[i, j] if beta != 0 else beta)


@kernel
def push_product(gemm: Any, alpha: Any, factors: Any, deltas: Any, beta: Any, update: Any) -> None:
    """update = alpha · factorsᵀ · deltas + beta · update. Shapes (b, s)ᵀ · (b, r) → (s, r)."""
    real = update.dtype.type
    if deltas.shape[0] >= 1000 and 16 <= deltas.shape[1] <= 64 and factors.shape[1] >= 4 * deltas.shape[1]:
        _push_turned(gemm, real(alpha), factors, deltas, real(beta), update)
        return
    _gemm(gemm, 78, 84, deltas.shape[1], factors.shape[1], factors.shape[0], real(alpha), _at(deltas),
          _stride(deltas), _at(factors), _stride(factors), real(beta), _at(update), _stride(update))  # fmt: skip
