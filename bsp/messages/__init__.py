"""Messages of a superstep: how the peers of one process keep what they send and what they have received; and posts."""

from .columns import cast, plain_dtype
from .combining import Combine, Combiner, function_of, ufunc_of
from .mailbox import Mailbox
from .parts import Line, Part
from .posts import Post, PostOffice
from .queue import Queue

__all__ = [
    "Combine",
    "Combiner",
    "Line",
    "Mailbox",
    "Part",
    "Post",
    "PostOffice",
    "Queue",
    "cast",
    "function_of",
    "plain_dtype",
    "ufunc_of",
]
