"""How messages move: inside a process, and between the processes of a host through shared memory."""

from .mailbox import Mailbox
from .shared import Inbound, Outbox

__all__ = ["Inbound", "Mailbox", "Outbox"]
