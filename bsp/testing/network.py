"""The connections between the processes of a job, each through a proxy that can make it fail."""

import os
from types import TracebackType
from typing import Self

from ..links.listening import ADVERTISED
from ..links.settings import TCP
from ..security import TLS
from .ports import free_range
from .proxy import TCPProxy


class TCPNetwork:
    """For jobs over sockets that are started inside: a context manager.

        with TCPNetwork(processes=2) as network:
            job = BSPJob(program, 2, transport=network.transport, on_progress=lambda _: network.proxies[1].cut())
            job.run()

    Args:
        processes: how many the jobs have at most.
        link_timeout, tls: as for `TCP`.

    Attributes:
        transport: the value of `BSPJob(transport=)`.
        proxies: `proxies[p]` carries all that is sent to process p.
        ports: `ports[p]` is where process p itself listens.
    """

    def __init__(self, processes: int, link_timeout: float = 10.0, tls: TLS | None = None) -> None:
        low, high = free_range(processes)
        self.transport = TCP(port=(low, high), tls=tls, link_timeout=link_timeout)
        self.ports = range(low, high + 1)
        self.proxies: list[TCPProxy] = []
        self._before: str | None = None

    def __enter__(self) -> Self:
        self.proxies = [TCPProxy("127.0.0.1", port) for port in self.ports]
        self._before = os.environ.get(ADVERTISED)
        os.environ[ADVERTISED] = ",".join(f"{p}=127.0.0.1:{proxy.port}" for p, proxy in enumerate(self.proxies))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is None:
            del os.environ[ADVERTISED]
        else:
            os.environ[ADVERTISED] = self._before
        for proxy in self.proxies:
            proxy.close()
