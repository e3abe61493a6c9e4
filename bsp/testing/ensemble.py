"""A throwaway ZooKeeper ensemble on the loopback interface, members of which may be killed."""

import time
from types import TracebackType
from typing import Self

from .ports import free_ports
from .server import START_SECONDS, ServerProcess


class ZooKeeperEnsemble:
    """Several servers that replicate one tree: a context manager. It serves while more than half of them run.

    Args:
        size: how many servers; at least 3, as fewer survive no loss.

    Raises:
        RuntimeError: Java or ZooKeeper are not installed, or the servers do not find a leader.
    """

    def __init__(self, size: int = 3) -> None:
        if size < 3:
            raise ValueError(f"an ensemble has at least 3 servers, got {size}")
        ports = free_ports(3 * size)
        self._servers = [ServerProcess(port, identity) for identity, port in enumerate(ports[:size], start=1)]
        # Of each member: where the followers reach the leader, and where leaders are elected.
        followers, elections = ports[size : 2 * size], ports[2 * size :]
        self._settings: dict[str, object] = {"initLimit": 25, "syncLimit": 10, "quorumListenOnAllIPs": "false"}
        for identity, (follower, election) in enumerate(zip(followers, elections, strict=True), start=1):
            self._settings[f"server.{identity}"] = f"127.0.0.1:{follower}:{election}"

    @property
    def size(self) -> int:
        """How many servers there are, running or not."""
        return len(self._servers)

    @property
    def address(self) -> str:
        """What `BSPJob(zookeeper=...)` takes: all servers."""
        return ",".join(self.address_of(index) for index in range(self.size))

    def address_of(self, index: int) -> str:
        """Return where one server is."""
        return f"127.0.0.1:{self._servers[index].port}"

    @property
    def running(self) -> list[int]:
        """Which servers run."""
        return [index for index, server in enumerate(self._servers) if server.running]

    @property
    def quorum(self) -> bool:
        """Whether enough servers run to serve."""
        return 2 * len(self.running) > self.size

    def pid(self, index: int) -> int:
        """Return one server's process. Raises RuntimeError if there is none."""
        return self._servers[index].pid

    def leader(self) -> int:
        """Return which server leads, once one does.

        Raises:
            RuntimeError: too few servers run, or they found no leader within 30 s.
        """
        deadline = time.monotonic() + START_SECONDS
        while self.quorum and time.monotonic() < deadline:
            for index in self.running:
                if self._servers[index].mode == "leader":
                    return index
            time.sleep(0.02)
        raise RuntimeError(f"no leader: {len(self.running)} of {self.size} servers of the ensemble run")

    def kill(self, index: int) -> None:
        """Kill one server (SIGKILL); its data stays."""
        self._servers[index].stop()

    def start(self, *indices: int) -> None:
        """Start servers, with the data they had, and wait until they serve, if enough of them run."""
        for index in indices:
            self._servers[index].launch(self._settings)
        self.await_serving()

    def restore(self) -> None:
        """Start all servers that do not run, and wait until all serve: what tests that share the ensemble leave."""
        self.start(*(index for index in range(self.size) if index not in self.running))

    def await_serving(self) -> None:
        """Wait until all that run serve; without a quorum, none will, and this returns at once."""
        if self.quorum:
            for index in self.running:
                self._servers[index].await_serving()

    def remove(self) -> None:
        """Kill all servers and remove their data."""
        for server in self._servers:
            server.stop()
            server.wipe()

    def __enter__(self) -> Self:
        try:
            self.restore()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()
