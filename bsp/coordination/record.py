"""A job's znodes, the launcher's side: created before the first worker starts, removed when the last one is gone."""

import json
import logging
import os
import socket
import time
from contextlib import suppress
from typing import Any

from kazoo.exceptions import NodeExistsError, NoNodeError, NotEmptyError

from ..errors import BSPError, CoordinatorLost
from ..placement import Placement
from .layout import Address, JobLayout
from .session import Session
from .zookeeper import WORLD

logger = logging.getLogger("horn.bsp")


class JobRecord:
    """The launcher's hold on a job in ZooKeeper.

    Args:
        address: the servers.
        layout: the job's paths.
        placement: which peers live where.
        conf: what runs, for people: plain data.
        session_timeout: seconds.

    Raises:
        CoordinatorLost: no server answers within 8 s.
        BSPError: a job of this name runs.
    """

    def __init__(
        self, address: Address, layout: JobLayout, placement: Placement, conf: dict[str, Any], session_timeout: float
    ) -> None:
        self._layout = layout
        self._session = Session(address, session_timeout)
        try:
            self._sweep()
            self._create(placement, conf)
        except BaseException:
            self._session.close()
            raise

    def check(self) -> None:
        """Raise CoordinatorLost if the service is lost to the launcher."""
        self._session.check()

    def close(self) -> None:
        """Remove the job's znodes and end the session."""
        try:
            self._session.check()
            self._remove(self._layout.root)
        except CoordinatorLost as error:
            logger.warning("the znodes under %s could not be removed: %s", self._layout.root, error)
        finally:
            self._session.close()

    def _create(self, placement: Placement, conf: dict[str, Any]) -> None:
        """Create all at once: a job that exists has an owner, or may be swept."""
        root, layout = self._layout.root, self._layout
        with suppress(NodeExistsError):
            self._session.create(layout.jobs, makepath=True)
        topology = [list(placement.bounds(process)) for process in range(placement.processes)]
        nodes: dict[str, Any] = {
            root: None,
            layout.launcher: {"host": socket.gethostname(), "pid": os.getpid()},
            f"{root}/conf": {**conf, "started": time.time()},
            f"{root}/topology": {"peers": placement.peers, "processes": topology},
            f"{root}/attempt": layout.attempt,
            f"{root}/state": "running",
            **dict.fromkeys((layout.members, f"{root}/left", f"{root}/groups", f"{root}/sync"), None),
            f"{root}/sync/{layout.attempt}": None,
            layout.group(WORLD): None,
            layout.step(WORLD, 0): None,
        }
        data = {path: b"" if told is None else json.dumps(told).encode() for path, told in nodes.items()}
        try:
            self._session.create_all(data, ephemeral=[layout.launcher])
        except NodeExistsError as error:
            raise BSPError(f"a job named {layout.job} is running already: give this one another name") from error

    def _sweep(self) -> None:
        """Remove what jobs have left whose launchers died without a chance to do so."""
        jobs = self._layout.jobs
        try:
            names = self._session.children(jobs)
        except NoNodeError:
            return
        for name in names:
            root = f"{jobs}/{name}"
            if not self._session.exists(f"{root}/launcher"):
                logger.info("removing the znodes of job %s, whose launcher is gone", name)
                self._remove(root)

    def _remove(self, path: str) -> None:
        """Remove a znode with all below. Late requests of dying workers may add some meanwhile: then again."""
        while True:
            try:
                children = self._session.children(path)
            except NoNodeError:
                return
            for child in children:
                self._remove(f"{path}/{child}")
            with suppress(NotEmptyError, NoNodeError):
                self._session.delete(path)
                return
