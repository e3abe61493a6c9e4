"""A throwaway ZooKeeper for tests and benchmarks: a real server on a free port of the loopback interface."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

JARS = ("/usr/share/java/zookeeper.jar", "/usr/share/java/slf4j-nop.jar")
_START_SECONDS = 30.0
_CONFIGURATION = """\
tickTime=200
minSessionTimeout=400
maxSessionTimeout=20000
dataDir={data}
clientPort={port}
clientPortAddress=127.0.0.1
admin.enableServer=false
4lw.commands.whitelist=ruok,srvr,stat,mntr,cons,dump
maxClientCnxns=0
forceSync=no
preAllocSize=1024
"""


def zookeeper_missing() -> str | None:
    """Return what keeps a server from being started here, with the cure, or None."""
    if shutil.which("java") is None:
        return "java is missing: install a Java runtime (Debian: default-jre-headless)"
    missing = [jar for jar in JARS if not Path(jar).exists()]
    return f"{', '.join(missing)} missing: install ZooKeeper (Debian: zookeeper)" if missing else None


class ZooKeeperServer:
    """A server of one's own: a context manager.

    Attributes:
        port: its port on 127.0.0.1.

    Raises:
        RuntimeError: Java or ZooKeeper are not installed, or the server does not start.
    """

    def __init__(self) -> None:
        self.port = _free_port()
        self._folder: str | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """What `BSPJob(zookeeper=...)` takes."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None, "the server has not been started"
        return self._process.pid

    def start(self) -> None:
        """Start the server, with the data it had if it was stopped before, and wait until it serves."""
        missing = zookeeper_missing()
        if missing:
            raise RuntimeError(missing)
        self._folder = self._folder or tempfile.mkdtemp(prefix="horn-zookeeper-")
        configuration = Path(self._folder) / "zoo.cfg"
        configuration.write_text(_CONFIGURATION.format(data=self._folder, port=self.port))
        flags = (
            "-Xms32m -Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Dzookeeper.jmx.log4j.disable=true"
        )
        main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
        self._process = subprocess.Popen(
            ["java", *flags.split(), "-cp", ":".join(JARS), main, str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _START_SECONDS
        while "Mode" not in self.ask("srvr"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.remove()
                raise RuntimeError(f"the ZooKeeper server on port {self.port} did not start within {_START_SECONDS} s")
            time.sleep(0.02)

    def ask(self, command: str) -> str:
        """Return the server's answer to a four-letter command, or "" where there is none."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as connection:
                connection.sendall(command.encode())
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
        except OSError:
            return ""
        return answer.decode(errors="replace")

    def stop(self) -> None:
        """Kill the server; its data stays for another `start`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def wipe(self) -> None:
        """Forget all data. The server must be stopped."""
        assert self._process is None, "stop the server first"
        if self._folder is not None:
            shutil.rmtree(self._folder)
            self._folder = None

    def remove(self) -> None:
        """Kill the server and remove its data."""
        self.stop()
        self.wipe()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


def must_have_zookeeper() -> bool:
    """Whether tests must fail, not skip, without ZooKeeper: in continuous integration."""
    return bool(os.environ.get("CI"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
