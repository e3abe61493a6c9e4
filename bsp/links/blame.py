"""Names a link that is lost: both ends, with their peers and addresses."""

from ..errors import LinkLost, format_ranks
from ..placement import Placement
from .dialing import Address, told


class Blame:
    """Makes the errors of one process's links.

    Args:
        placement: which peers live where.
        process: this process.
        address: where it listens.

    Attributes:
        addresses: where the others listen, as far as is known.
    """

    def __init__(self, placement: Placement, process: int, address: Address) -> None:
        self._placement = placement
        self._process = process
        self.addresses: dict[int, Address] = {process: address}

    def outgoing(self, process: int, reason: str) -> LinkLost:
        """Return the error of the link on which this process sends to another one."""
        return self._lost(self._process, process, reason, process)

    def incoming(self, process: int, reason: str) -> LinkLost:
        """Return the error of the link on which another process sends to this one."""
        return self._lost(process, self._process, reason, process)

    def unreachable(self, process: int, error: Exception) -> LinkLost:
        """Return the error of a link that could not be made."""
        return LinkLost(str(error), self._placement.ranks(process))

    def _lost(self, source: int, target: int, reason: str, other: int) -> LinkLost:
        return LinkLost(
            f"the link from {self._told(source)} to {self._told(target)} {reason}", self._placement.ranks(other)
        )

    def _told(self, process: int) -> str:
        address = self.addresses.get(process)
        place = "" if address is None else f" at {told(address)}"
        return f"{format_ranks(self._placement.ranks(process))} (process {process}{place})"
