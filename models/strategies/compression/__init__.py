"""Compression of the updates that strategies exchange: `Compressed(strategy, codec)`, and the codecs."""

from .base import Codec
from .compressed import Compressed
from .eight_bit import EightBit
from .top_k import TopK

__all__ = ["Codec", "Compressed", "EightBit", "TopK"]
