"""A throwaway ZooKeeper for tests and benchmarks: a real server on a free port of the loopback interface."""

import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from .certificates import Certificates, make_certificates
from .ports import free_ports
from .server import TLS_JARS, ServerProcess


class ZooKeeperServer:
    """A server of one's own: a context manager.

    Args:
        tls: whether clients must use TLS, and present a certificate of `certificates`.

    Attributes:
        port: for clients, on 127.0.0.1.

    Raises:
        RuntimeError: Java or ZooKeeper (with `tls`: openssl or netty) are not installed, or the server does not start.
    """

    def __init__(self, *, tls: bool = False) -> None:
        self.port, *plain = free_ports(2 if tls else 1)
        self._tls = _TLS(self.port) if tls else None
        self._server = ServerProcess(plain[0] if tls else self.port)

    @property
    def address(self) -> str:
        """What `BSPJob(zookeeper=...)` takes."""
        return f"127.0.0.1:{self.port}"

    @property
    def certificates(self) -> Certificates:
        """The files that clients of a started server with TLS need. Raises RuntimeError where there are none."""
        if self._tls is None or self._tls.certificates is None:
            raise RuntimeError("there are no certificates: make the server with tls=True, and start it")
        return self._tls.certificates

    @property
    def pid(self) -> int:
        """The server's process. Raises RuntimeError if there is none."""
        return self._server.pid

    def start(self) -> None:
        """Start the server, with the data it had if it was stopped before, and wait until it serves."""
        try:
            self._server.launch(self._tls.settings() if self._tls else {})
            self._server.await_serving()
        except BaseException:
            self.remove()
            raise

    def ask(self, command: str) -> str:
        """Return the server's answer to a four-letter command, or "" where there is none."""
        return self._server.ask(command)

    def stop(self) -> None:
        """Kill the server; its data stays for another `start`."""
        self._server.stop()

    def wipe(self) -> None:
        """Forget all data. The server must be stopped."""
        self._server.wipe()

    def remove(self) -> None:
        """Kill the server, remove its data and its certificates."""
        self._server.stop()
        self._server.wipe()
        if self._tls is not None:
            self._tls.remove()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


class _TLS:
    """What makes a server ask its clients for certificates: the files, and the lines of its configuration."""

    def __init__(self, port: int) -> None:
        self.certificates: Certificates | None = None
        self._port = port
        self._folder: Path | None = None

    def settings(self) -> dict[str, object]:
        """Return the lines of the configuration; the files are made at the first call."""
        missing = [str(jar) for jar in TLS_JARS if not jar.exists()]
        if missing:
            raise RuntimeError(f"{', '.join(missing)} missing: install netty (Debian: libnetty-java)")
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="horn-certificates-"))
            self.certificates = made = make_certificates(self._folder)
            key_and_chain = made.server_key.read_bytes() + made.server.read_bytes()
            (self._folder / "store.pem").write_bytes(key_and_chain)
        return {
            "serverCnxnFactory": "org.apache.zookeeper.server.NettyServerCnxnFactory",
            "secureClientPort": self._port,
            "secureClientPortAddress": "127.0.0.1",
            "ssl.keyStore.location": self._folder / "store.pem",
            "ssl.keyStore.type": "PEM",
            "ssl.trustStore.location": self._folder / "ca.pem",
            "ssl.trustStore.type": "PEM",
        }

    def remove(self) -> None:
        """Remove the files."""
        if self._folder is not None:
            shutil.rmtree(self._folder)
            self._folder = self.certificates = None


def must_have_zookeeper() -> bool:
    """Whether tests must fail, not skip, without ZooKeeper: in continuous integration."""
    return bool(os.environ.get("CI"))
