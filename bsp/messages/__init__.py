"""Messages of a superstep: how the peers of one process keep what they send and what they have received."""

from .mailbox import Mailbox

__all__ = ["Mailbox"]
