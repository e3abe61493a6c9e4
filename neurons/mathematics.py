"""Transcendental functions of float32 that loops compute in SIMD lanes: kernels call these and not `math`'s.

numba leaves `math.exp` and the like to the C library, one number at a time: 1.8 to 11 ns. These take 0.3 to 1 ns in a
loop that inlines them (`benchmarks/transcendental.py`), since they have no branches, no tables and no calls: what looks
like a choice is computed on both sides and selected.

They compute in float64 and round once. So their error is half a unit in the last place (ulp) and 0.0002 of one, over
all of float32: all but a few in 100,000 results are bit for bit what the interpreter gets by rounding `math`'s.
Half the speed of float32 is the price. Subnormals are ordinary numbers, zeros keep their sign, overflow and underflow
are those of the last rounding, and what has no value is NaN or infinite, by the rules of IEEE 754.

The multiply-add is asked for explicitly, and not left to the optimiser, so that every lane of a loop, its remainder and
every machine give the same bits. The polynomials are near-minimax fits of relative error, the bits of the reductions as
in fdlibm. All in one file, because numba does not notice when a function that is inlined from another one changes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from .jit import device

# Bits ------------------------------------------------------------------------------------------------------------


@intrinsic
def _fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """``a · b + c``, rounded once."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


@device
def _polynomial(x: Any, coefficients: Any) -> Any:
    """``c₀ + c₁ x + c₂ x² + …`` by Horner's rule."""
    value = 0.0
    for i in range(len(coefficients)):
        value = _fma(value, x, coefficients[len(coefficients) - 1 - i])
    return value


@device
def _bits(x: Any) -> Any:
    """The bits of a float64, as int64."""
    return np.float64(x).view(np.int64)


@device
def _of_bits(bits: Any) -> Any:
    """The float64 that has these bits."""
    return np.int64(bits).view(np.float64)


# Added to a small number, it rounds that to a whole one, which then stands in the lowest bits of the sum.
_ROUND = 1.5 * 2.0**52
_ROUND_BITS = 0x4338000000000000

# Exponential -----------------------------------------------------------------------------------------------------

_LOG2_E = 1 / math.log(2.0)
_LN_2 = math.log(2.0)
_BIAS = 1023
# (eʳ - 1 - r) / r² for |r| ≤ ln 2 / 2, to 2⁻³⁹ of eʳ
_EXP = (0.5000000000427128, 0.16666666784511788, 0.04166666440381761, 0.008333281787586517, 0.001388919724074337,
        0.00019908952448249474, 2.4708275564350304e-05)  # fmt: skip


@device
def _power(x: Any) -> Any:
    """2ᵏ and eʳ - 1 with ``x = k ln 2 + r``, |r| ≤ ln 2 / 2; for |x| ≤ 700."""
    shifted = _fma(x, _LOG2_E, _ROUND + _BIAS)
    k = shifted - (_ROUND + _BIAS)
    scale = _of_bits(_bits(shifted) << 52)
    r = _fma(k, -_LN_2, x)
    return scale, _fma(r * r, _polynomial(r, _EXP), r)


@device
def _clamped(x: Any, limit: Any) -> Any:
    """`x` between -limit and limit; NaN stays."""
    return max(min(x, limit), -limit)


@device
def exp(x: Any) -> Any:
    """eˣ. 0.5002 ulp."""
    scale, rest = _power(_clamped(np.float64(x), 200.0))
    return np.float32(_fma(scale, rest, scale))


@device
def _expm1(x: Any) -> Any:
    scale, rest = _power(x)
    return _fma(scale, rest, scale - 1.0)


@device
def expm1(x: Any) -> Any:
    """eˣ - 1. 0.5002 ulp."""
    value = _expm1(_clamped(np.float64(x), 200.0))
    return np.float32(math.copysign(value, x))  # of zeros: the sign is x's, too


@device
def tanh(x: Any) -> Any:
    """``(e²ˣ - 1) / (e²ˣ + 1)``. 0.5002 ulp."""
    value = _expm1(2.0 * _clamped(abs(np.float64(x)), 20.0))
    return np.float32(math.copysign(value / (value + 2.0), x))


@device
def sinh(x: Any) -> Any:
    """``(eˣ - e⁻ˣ) / 2``. 0.5002 ulp."""
    value = _expm1(_clamped(abs(np.float64(x)), 200.0))
    return np.float32(math.copysign(0.5 * (value + value / (value + 1.0)), x))


@device
def cosh(x: Any) -> Any:
    """``(eˣ + e⁻ˣ) / 2``. 0.5002 ulp."""
    scale, rest = _power(_clamped(abs(np.float64(x)), 200.0))
    value = _fma(scale, rest, scale)
    return np.float32(0.5 * (value + 1.0 / value))


# Logarithm -------------------------------------------------------------------------------------------------------

_LOG2_10 = math.log2(10.0)
_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
# (log((1 + s) / (1 - s)) - 2 s) / s³ as a function of s², for 1/√2 ≤ (1 + s) / (1 - s) ≤ √2, to 2⁻⁴⁴
_LOG = (0.6666666667580925, 0.3999999561895266, 0.2857210947187036, 0.22176175235065965, 0.19584350732188446)


@device
def _log(x: Any) -> Any:
    """The natural logarithm in float64: ``x = 2ᵏ (1 + s) / (1 - s)``."""
    bits = _bits(x)
    k = (bits - _SQRT_HALF_BITS) >> 52
    mantissa = _of_bits(bits - (k << 52))
    s = (mantissa - 1.0) / (mantissa + 1.0)
    square = s * s
    value = _fma(s * square, _polynomial(square, _LOG), 2.0 * s)
    value = _fma(_of_bits(k + _ROUND_BITS) - _ROUND, _LN_2, value)
    value = value if x > 0.0 else math.nan
    value = -math.inf if x == 0.0 else value
    return math.inf if x == math.inf else value


@device
def log(x: Any) -> Any:
    """The natural logarithm; of 0 it is -∞, of a negative number NaN. 0.5002 ulp."""
    return np.float32(_log(np.float64(x)))


@device
def log2(x: Any) -> Any:
    """The logarithm to base 2, exact for powers of 2. 0.5002 ulp."""
    return np.float32(_log(np.float64(x)) * _LOG2_E)


@device
def log10(x: Any) -> Any:
    """The logarithm to base 10. 0.5002 ulp."""
    return np.float32(_log(np.float64(x)) * (_LOG2_E / _LOG2_10))


@device
def log1p(x: Any) -> Any:
    """``log(1 + x)``. 0.5002 ulp."""
    # 1 + x is exact in float64, but for an x that is its own result, and for one so large that it does not matter.
    return np.float32(x if abs(x) < 2.0**-28 else _log(1.0 + np.float64(x)))


# Circle ----------------------------------------------------------------------------------------------------------

# 1 / 2π to 2⁻²³², behind 24 zeros: the bits of a turn.
_TURN = (np.uint64(0x00000028BE60DB93), np.uint64(0x91054A7F09D5F47D), np.uint64(0x4D377036D8A5664F),
         np.uint64(0x10E4107F9458EAF7))  # fmt: skip
_ANGLE = 2.0 * math.pi * 2.0**-64
# (sin r - r) / r³ and (cos r - 1 + r²/2) / r⁴ as functions of r², for |r| ≤ π/4, to 2⁻³⁷ and 2⁻⁴³
_SIN = (-0.16666666641607075, 0.0083333293835855, -0.0001983933408305965, 2.7183042231131844e-06)
_COS = (0.04166666662279431, -0.0013888883750432996, 2.4799519208051587e-05, -2.721017052632219e-07)


@device
def _quadrant(x: Any) -> Any:
    """q and r, ``x = q π/2 + r`` up to whole turns, |r| ≤ π/4; for any finite x ≥ 0, as Payne and Hanek do.

    ``x = m 2ᵉ`` with a whole number m of 24 bits: of 1/2π in binary only the bits from 2⁻ᵉ on matter, the others make
    whole turns; 96 of them times m leave the fraction of a turn to 2⁻⁶⁴.
    """
    u64 = np.uint64
    bits = u64(np.float32(x).view(np.uint32))
    m = (bits & u64(0x7FFFFF)) | u64(0x800000)
    start = (bits >> u64(23)) - u64(126)  # e + 24; of an x below 1/2, which is its own r, nothing of this is used
    words, shift = start >> u64(6), start & u64(63)
    first = _TURN[0] if words == u64(0) else (_TURN[1] if words == u64(1) else _TURN[2])
    second = _TURN[1] if words == u64(0) else (_TURN[2] if words == u64(1) else _TURN[3])
    third = _TURN[2] if words == u64(0) else (_TURN[3] if words == u64(1) else u64(0))
    left = u64(63) - shift
    upper = (first << shift) | ((second >> u64(1)) >> left)
    lower = (second << shift) | ((third >> u64(1)) >> left)
    turn = m * upper + ((m * (lower >> u64(32))) >> u64(32))
    quadrant = (turn + u64(1 << 61)) >> u64(62)
    rest = np.float64(np.int64(turn - (quadrant << u64(62)))) * _ANGLE
    small = x < np.float32(0.75)
    return u64(0) if small else quadrant, np.float64(x) if small else rest


@device
def _sin(r: Any) -> Any:
    square = r * r
    return _fma(r * square, _polynomial(square, _SIN), r)


@device
def _cos(r: Any) -> Any:
    square = r * r
    return _fma(square * square, _polynomial(square, _COS), _fma(square, -0.5, 1.0))


@device
def _circle(x: Any, ahead: Any) -> Any:
    """``sin(x + ahead π/2)``, x ≥ 0; NaN at infinity."""
    quadrant, r = _quadrant(x)
    quadrant += ahead
    value = _sin(r) if quadrant & np.uint64(1) == np.uint64(0) else _cos(r)
    value = value if quadrant & np.uint64(2) == np.uint64(0) else -value
    return value + (x - x)


@device
def sin(x: Any) -> Any:
    """The sine of x radians, for x of any size. 0.5002 ulp."""
    return np.float32(_circle(abs(x), np.uint64(0)) * math.copysign(1.0, x))


@device
def cos(x: Any) -> Any:
    """The cosine of x radians, for x of any size. 0.5002 ulp."""
    return np.float32(_circle(abs(x), np.uint64(1)))


@device
def tan(x: Any) -> Any:
    """The tangent of x radians, for x of any size. 0.5002 ulp."""
    quadrant, r = _quadrant(abs(x))
    s, c = _sin(r), _cos(r)
    value = s / c if quadrant & np.uint64(1) == np.uint64(0) else -c / s
    return np.float32((value + (x - x)) * math.copysign(1.0, x))


# Error function --------------------------------------------------------------------------------------------------

# erf(x) / x as a quotient of polynomials of x², for |x| ≤ 4, to 2⁻³⁶
_ERF_ABOVE = (1.1283791670861336, 0.2003433130469562, 0.058118327154599754, 0.004962139239146707,
              0.0005130396100946813, 2.178693541416448e-05, 7.52775646789874e-07, 3.00474462876601e-09)  # fmt: skip
_ERF_BELOW = (1.0, 0.5108829712549587, 0.1218003538830358, 0.017718913350027454, 0.001715211908645136,
              0.00011151453854740198, 4.519031458148625e-06, 7.329816228811481e-08)  # fmt: skip


@device
def erf(x: Any) -> Any:
    """``2/√π ∫₀ˣ exp(-t²) dt``. 0.5002 ulp."""
    clamped = _clamped(np.float64(x), 4.0)  # where it is 1 in float32
    square = clamped * clamped
    return np.float32(clamped * _polynomial(square, _ERF_ABOVE) / _polynomial(square, _ERF_BELOW))
