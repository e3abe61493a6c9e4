"""Messages of a superstep: how the peers of one process keep what they send and what they have received; and posts."""

from .mailbox import Mailbox
from .posts import Post, PostOffice

__all__ = ["Mailbox", "Post", "PostOffice"]
