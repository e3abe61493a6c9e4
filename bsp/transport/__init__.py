"""Transports: how what peers send comes from one worker process to another. One contract, `Transport`."""

from .base import Channel, Inbound, Lane, Offer, Posts, Transport
from .compressing import CompressingLane
from .kept import Kept
from .local import LocalTransport
from .shared import SharedTransport

__all__ = [
    "Channel",
    "CompressingLane",
    "Inbound",
    "Kept",
    "Lane",
    "LocalTransport",
    "Offer",
    "Posts",
    "SharedTransport",
    "Transport",
]
