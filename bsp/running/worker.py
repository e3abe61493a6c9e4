"""What runs in a worker process: it joins the job, runs its peers, each in a thread, and reports their values."""

import ctypes
import functools
import io
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .. import failpoints
from ..about import About
from ..barriers import Barrier, Meeting
from ..compression import codec
from ..coordination import Coordinator, EmbeddedCoordinator
from ..coordination.settings import ZooKeeper
from ..errors import BSPError, CoordinatorLost, JobAborted, format_ranks
from ..home import WORLD, Home
from ..memory.arrays import views
from ..memory.board import Board
from ..memory.control import ControlBlock
from ..memory.reuse import keep_freed
from ..memory.segment import Segment
from ..memory.space import allocate_on_disk
from ..memory.spill import Spill
from ..peer import Peer
from ..placement import Members, Placement
from ..program import run_program
from ..site import Site
from ..transport import LocalTransport, Offer, SharedTransport, Transport
from ..vigil import Vigil
from . import frames
from .failures import abort_behind, describe
from .shipping import LoadedModuleFinder, dump_value, load_program

if TYPE_CHECKING:
    from ..coordination.zookeeper import ZooKeeperCoordinator

logger = logging.getLogger("horn.bsp")

_PR_SET_PDEATHSIG = 1


def main(spec: dict[str, Any], process: int, pipe: int) -> None:
    """Run worker `process` of the job that `spec` describes; report on `pipe`."""
    _die_with(spec["parent"])
    keep_freed()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    for fd in (pipe, *spec["descriptors"]):
        os.set_inheritable(fd, False)
    sys.argv[:] = spec["argv"]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    writer = frames.FrameWriter(pipe)
    try:
        failpoints.arm(process=process, attempt=spec["attempt"])
        finished = Worker(spec, process, writer).run()
    except Exception as error:
        finished = False
        writer.write(frames.FAILURE, _placement(spec).bounds(process)[0], describe(error))
    writer.close()
    if not finished:
        # Threads that compute without ever coming to a barrier would hold the interpreter's exit up.
        sys.stdout.flush()
        os._exit(1)


def _placement(spec: dict[str, Any]) -> Placement:
    return Placement.of(spec["peers"], spec["sizes"] or spec["processes"])


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies, however that dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


class Worker:
    """One worker process of a job.

    Args:
        spec: the job, see `BSPJob`.
        process: which of its processes this is.
        writer: the way back to the launcher.
    """

    def __init__(self, spec: dict[str, Any], process: int, writer: frames.FrameWriter) -> None:
        sys.meta_path.append(LoadedModuleFinder(spec["modules"]))
        self._spec = spec
        self._process = process
        self._writer = writer
        self._placement = _placement(spec)
        self._control = ControlBlock(Segment(spec["control"]), spec["processes"])
        self._payload = Segment(spec["payload"]).view(spec["payload_size"])
        self._shared = views(Segment(spec["shared"]), spec["layout"])
        self._failed = False
        board = Board(Segment(spec["board"]), spec["processes"], process)
        self._coordinators: list[Coordinator] = [
            EmbeddedCoordinator(self._control, board, self._placement, process, parent=spec["parent"])
        ]
        self._spills = [Segment(fd, allocate_on_disk(spec["spill_dir"])) for fd in spec["spills"]]
        self._spill = Spill(self._spills[process], spec["memory_limit"]) if self._spills else None
        self._vigil = Vigil(self._coordinators[0].check)
        self._transport = self._make_transport(self._vigil.check)
        barrier = load_program(self._payload).barrier if spec["own_barrier"] else None
        if spec["zookeeper"] is not None:
            settings = ZooKeeper.restored(spec["zookeeper"])
            zookeeper = self._connect(settings)
            self._coordinators.append(zookeeper)
            if spec["meets_at_zookeeper"]:
                barrier = functools.partial(_coordinated, zookeeper)
        self._home = Home(
            self._placement,
            process,
            self._transport,
            coordinator=self._coordinators[-1],
            vigil=self._vigil,
            stop_requested=lambda: self._control.stop_requested,
            barrier=barrier,
            timeout=spec["timeout"],
            codec=None if spec["compression"] is None else codec(spec["compression"]),
            spill=self._spill,
        )

    def run(self) -> bool:
        """Run the peers of this process; return whether all of them returned a value."""
        try:
            world = self._join()
        except BSPError as error:
            self._end(error)
            return False
        failpoints.hit("worker.joined")
        first, *others = self._placement.ranks(self._process)
        threads = [
            threading.Thread(target=self._run_peer, args=(world, rank), name=f"peer {rank}", daemon=True)
            for rank in others
        ]
        for thread in threads:
            thread.start()
        self._run_peer(world, first)
        for thread in threads:
            # After an abort the launcher kills us soon, so that this wait is bounded.
            thread.join()
        self._transport.close()
        for coordinator in reversed(self._coordinators):
            coordinator.leave()
        return not self._failed

    def _join(self) -> Site:
        """Become a member, learn how to reach the others, and return the site of the group of all."""
        members = Members.world(self._placement)
        offer = {"machine": socket.gethostname(), **self._home.offer(WORLD, members)}
        self._coordinators[0].publish(f"offer-{self._process}", json.dumps(offer).encode())
        for coordinator in self._coordinators:
            coordinator.join()
        offers = {process: self._offer(process) for process in members.processes}
        hosts = [str(offers[process]["machine"]) for process in members.processes]
        self._about = About(self._spec["job"], self._spec["attempt"], hosts, MappingProxyType(self._spec["conf"]))
        return self._home.site(WORLD, members, offers)

    def _offer(self, process: int) -> Offer:
        told = self._coordinators[0].lookup(f"offer-{process}")
        if told is None:
            raise BSPError(f"process {process} has joined without saying how it can be reached")
        offer: Offer = json.loads(told)
        return offer

    def _make_transport(self, check: Callable[[], None]) -> Transport:
        if self._spec["processes"] == 1:
            return LocalTransport(self._placement, check)
        if self._spec["sockets"] is not None:
            return self._sockets(check)
        heaps = [Segment(fd) for fd in self._spec["heaps"]]
        timeout = self._spec["timeout"]
        return SharedTransport(self._placement, self._process, heaps, check, timeout, self._spill, self._spills)

    def _sockets(self, check: Callable[[], None]) -> Transport:
        # Imported here: jobs without sockets do not pay for them.
        from ..links.handshake import Identity
        from ..links.settings import TCP
        from ..transport.tcp import TCPTransport

        return TCPTransport(
            Identity(self._spec["job"], self._spec["attempt"], self._process, bytes.fromhex(self._spec["key"])),
            self._placement,
            TCP.restored(self._spec["sockets"]),
            check=check,
            on_lost=self._lose,
            timeout=self._spec["timeout"],
            spill=self._spill,
        )

    def _lose(self, error: BSPError) -> None:
        """A connection is lost. Where the job has ended, nothing else was to be expected."""
        if not self._control.aborted:
            self._end(error)

    def _connect(self, settings: ZooKeeper) -> "ZooKeeperCoordinator":
        # Imported here: jobs without ZooKeeper do not pay for its client.
        from ..coordination.layout import JobLayout
        from ..coordination.zookeeper import ZooKeeperCoordinator

        return ZooKeeperCoordinator(
            settings,
            JobLayout(settings.chroot, self._spec["job"], self._spec["attempt"]),
            self._placement,
            self._process,
            check=self._vigil.check,
            on_end=self._end,
        )

    def _run_peer(self, world: Site, rank: int) -> None:
        report = functools.partial(self._report, rank)
        try:
            peer = Peer(self._home, world, rank, self._spec["seed"], self._shared, report, self._about)
            program, args, kwargs, _ = load_program(self._payload)
            value = run_program(program, peer, args, kwargs)
            encoded = self._encode(value)
            peer.finish()
            failpoints.hit("worker.reporting")
            if self._spill is not None and self._spill.spilled and rank == self._placement.ranks(self._process)[0]:
                peer.counters["spilled bytes"] += self._spill.spilled
            self._writer.write(frames.VALUE, rank, frames.join(dump_value(dict(peer.counters)), encoded))
        except BaseException as error:
            self._failed = True
            aborted = abort_behind(error)
            if aborted is None:
                self._fail(rank, error)
            else:
                self._writer.write(frames.ABORTED, rank, str(aborted).encode())

    def _report(self, rank: int, value: object) -> None:
        self._writer.write(frames.PROGRESS, rank, dump_value(value))

    @staticmethod
    def _encode(value: object) -> bytes:
        try:
            return dump_value(value)
        except Exception as error:
            raise BSPError(
                f"what the program returned, a {type(value).__name__}, cannot be sent to the caller "
                f"({type(error).__name__}: {error}); return data, not open files, locks or threads"
            ) from error

    def _fail(self, rank: int, error: BaseException) -> None:
        """Tell the launcher, then end the job for everybody."""
        self._tell(rank, error)
        try:
            for coordinator in self._coordinators:
                coordinator.abort(f"{format_ranks([rank])} raised {type(error).__name__}: {error}", [rank])
        except CoordinatorLost as lost:
            # The launcher has been told already, and ends the job by itself.
            logger.warning("the failure of peer %d could not be announced: %s", rank, lost)

    def _end(self, error: BSPError) -> None:
        """The coordination service has ended the job: tell the launcher, unless another process does."""
        if isinstance(error, JobAborted):
            self._writer.write(frames.ABORTED, self._placement.ranks(self._process)[0], str(error).encode())
        else:
            self._tell(self._placement.ranks(self._process)[0], error)
        self._control.abort(self._process, str(error), error.ranks)

    def _tell(self, rank: int, error: BaseException) -> None:
        self._writer.write(frames.FAILURE, rank, describe(error))


def _coordinated(zookeeper: "ZooKeeperCoordinator", meeting: Meeting) -> Barrier:
    """Return a group's barrier in the service, in place of the transport's."""
    return zookeeper.barrier(meeting.group, meeting.members, meeting.timeout)
