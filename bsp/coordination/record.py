"""A job's znodes, the launcher's side: created before the first worker starts, removed when the last one is gone."""

import json
import logging
import os
import socket
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from kazoo.client import TransactionRequest
from kazoo.exceptions import NodeExistsError, ZookeeperError

from .. import failpoints
from ..errors import BSPError, CoordinatorLost
from ..placement import Placement
from .janitor import Janitor
from .layout import JobLayout, launcher_of
from .removal import remove_job, remove_tree
from .session import SLICE, Session
from .settings import ZooKeeper

logger = logging.getLogger("horn.bsp")

OF_ATTEMPTS = ("members", "left", "abort", "sync")
"""What lies below an attempt's number."""
_REMOVAL_SECONDS = 10.0
NOTHING_SAID: Mapping[str, Any] = MappingProxyType({})


class JobRecord:
    """The launcher's hold on a job in ZooKeeper.

    Args:
        settings: the service.
        layout: the job's paths, of its first attempt.
        placement: which peers live where.
        conf: what runs, for people: plain data.
        topology: who does what, for people and tools: plain data.

    Raises:
        CoordinatorLost: no server answers within 8 s.
        BSPError: a job of this name runs; or no rights to create it.
    """

    def __init__(
        self,
        settings: ZooKeeper,
        layout: JobLayout,
        placement: Placement,
        conf: Mapping[str, Any],
        topology: Mapping[str, Any] = NOTHING_SAID,
    ) -> None:
        self._layout = layout
        self._topology = topology
        self._session = Session(settings)
        self._janitor: Janitor | None = None
        try:
            self._prepare()
            self._sweep()
            # Before there is anything to remove: nothing is left at whatever moment we are killed.
            self._janitor = Janitor(settings, layout.root, self._session.id)
            failpoints.hit("record.creating")
            self._create(placement, conf)
            failpoints.hit("record.created")
        except BaseException:
            self._end()
            raise

    def check(self) -> None:
        """Raise CoordinatorLost if the service is lost to the launcher."""
        self._session.check()

    def begin(self, attempt: int, placement: Placement) -> JobLayout:
        """Start another attempt: whoever belongs to an older one can write nothing from now on.

        Args:
            attempt: its number, above that of the present one.
            placement: which peers live where in it.

        Returns:
            The paths of the attempt.

        Raises:
            BSPError: attempts go up only.
            CoordinatorLost: the service cannot be reached, or has forgotten the job.
        """
        old = self._layout
        if attempt <= old.attempt:
            raise BSPError(
                f"job {old.job} is in attempt {old.attempt}: the next must have a higher number, got {attempt}"
            )
        new = JobLayout(old.chroot, old.job, attempt)

        def fill(transaction: TransactionRequest) -> None:
            transaction.set_data(new.current, _encode(attempt))
            transaction.set_data(f"{new.root}/topology", _encode(self._told(placement)))
            for path in _parents(new):
                transaction.create(path)

        try:
            self._session.commit(fill)
        except NodeExistsError:
            logger.debug("attempt %d was begun already: the answer was lost", attempt)  # nobody else begins one
        except ZookeeperError as error:
            raise CoordinatorLost(
                f"attempt {attempt} of job {old.job} cannot be begun in ZooKeeper: {error!r}"
            ) from error
        self._layout = new
        for path in (*_parents(old), old.abort):
            remove_tree(self._session, path)
        for path in (f"{old.root}/groups", f"{old.root}/info"):
            for name in self._session.children(path):
                remove_tree(self._session, f"{path}/{name}")
        return new

    def close(self) -> None:
        """Remove the job's znodes and end the session."""
        try:
            failpoints.hit("record.removing")
            self._remove()
        except (BSPError, ZookeeperError) as error:
            logger.warning("the znodes under %s could not be removed: %s", self._layout.root, error)
        finally:
            self._end()

    def _end(self) -> None:
        if self._janitor is not None:
            self._janitor.dismiss()
        self._session.close()

    def _remove(self) -> None:
        self._session.check()
        deadline = time.monotonic() + _REMOVAL_SECONDS
        while not remove_job(self._session, self._layout.root, [self._session.id]):
            if time.monotonic() > deadline:
                raise BSPError(f"another process removes them, and has not ended within {_REMOVAL_SECONDS:.0f} s")
            time.sleep(SLICE)

    def _prepare(self) -> None:
        """Create what all jobs share, and see to it that it is ours alone if it shall be."""
        layout, session = self._layout, self._session
        try:
            session.create(layout.jobs, makepath=True)
        except NodeExistsError:
            session.children(layout.jobs)  # raises without the right to read
        if session.settings.auth is None:
            return
        for path in (layout.horn, layout.jobs):
            if session.open_to_all(path):
                raise BSPError(
                    f"{path} in ZooKeeper at {session.settings.servers} is open to everybody: anyone could remove or "
                    "forge jobs there. Jobs with auth= need a path of their own at the end of the hosts, or set the "
                    "ACL of that znode"
                )

    def _create(self, placement: Placement, conf: Mapping[str, Any]) -> None:
        """Create all at once: a job that exists has an owner, or may be swept."""
        root, layout = self._layout.root, self._layout
        launcher = launcher_of(root)
        nodes: dict[str, bytes] = {
            root: b"",
            launcher: _encode({"host": socket.gethostname(), "pid": os.getpid()}),
            f"{root}/conf": _encode({**conf, "started": time.time()}),
            f"{root}/topology": _encode(self._told(placement)),
            layout.current: _encode(layout.attempt),
            f"{root}/state": _encode("running"),
            **{f"{root}/{name}": b"" for name in (*OF_ATTEMPTS, "groups", "info")},
            **dict.fromkeys(_parents(layout), b""),
        }

        def fill(transaction: TransactionRequest) -> None:
            for path, data in nodes.items():
                transaction.create(path, data, ephemeral=path == launcher)

        try:
            self._session.commit(fill)
        except NodeExistsError as error:
            stat = self._session.stat(launcher)
            if stat is None or stat.ephemeralOwner != self._session.id:  # else the answer was lost
                raise BSPError(f"a job named {layout.job} is running already: give this one another name") from error
        except ZookeeperError as error:
            raise CoordinatorLost(f"job {layout.job} cannot be created in ZooKeeper: {error!r}") from error

    def _told(self, placement: Placement) -> dict[str, Any]:
        """Return who does what and where."""
        bounds = [list(placement.bounds(process)) for process in range(placement.processes)]
        return {**self._topology, "peers": placement.peers, "processes": bounds}

    def _sweep(self) -> None:
        """Remove what jobs have left whose launchers and janitors died without a chance to do so."""
        jobs = self._layout.jobs
        for name in self._session.children(jobs):
            root = f"{jobs}/{name}"
            if not self._session.exists(launcher_of(root)):
                logger.info("removing the znodes of job %s, whose launcher is gone", name)
                remove_job(self._session, root)


def _parents(layout: JobLayout) -> tuple[str, ...]:
    """Return what an attempt needs. Without `abort`, which is created to end it."""
    return layout.members, layout.departures, layout.sync


def _encode(told: object) -> bytes:
    return json.dumps(told).encode()
