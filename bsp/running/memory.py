"""The shared memory of a running job."""

from typing import Any

from ..memory.board import Board
from ..memory.control import ControlBlock
from ..memory.segment import Segment
from ..placement import Placement


class JobMemory:
    """The shared memory of one attempt; the workers inherit its descriptors.

    Args:
        placement: which peers live where.
        shared: the job's shared arrays; they outlive the attempt.
        payload: the program.
        heaps: how many processes send by shared memory.
        spill_dir: where each worker has a file for the messages beyond its limit; None for none.
    """

    def __init__(
        self, placement: Placement, shared: Segment, payload: bytes, heaps: int, spill_dir: str | None
    ) -> None:
        control = Segment.create("control", ControlBlock.size(placement.processes))
        board = Segment.create("board", Board.size(placement.processes))
        made = [Segment.create("heap", 1) for _ in range(heaps)] if placement.processes > 1 else []
        spills = [] if spill_dir is None else [Segment.on_disk(spill_dir) for _ in range(placement.processes)]
        self._segments = [control, board, *made, *spills]
        self.control = ControlBlock(control, placement.processes)
        program = self.add("program", payload)
        self.descriptors = [shared.fd, *(segment.fd for segment in self._segments)]
        self.named: dict[str, Any] = {
            "control": control.fd,
            "board": board.fd,
            "payload": program,
            "payload_size": len(payload),
            "shared": shared.fd,
            "heaps": [heap.fd for heap in made],
            "spills": [spill.fd for spill in spills],
        }

    def add(self, label: str, content: bytes) -> int:
        """Put bytes into a segment of their own; return its descriptor."""
        segment = Segment.create(label, len(content))
        segment.view(len(content))[:] = content
        self._segments.append(segment)
        return segment.fd

    def close(self) -> None:
        """Close all descriptors."""
        for segment in self._segments:
            segment.close()
