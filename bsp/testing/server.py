"""One ZooKeeper server process: what a lone server and the members of an ensemble share."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

_JAVA = Path("/usr/share/java")
JARS = (_JAVA / "zookeeper.jar", _JAVA / "slf4j-nop.jar")
TLS_JARS = (_JAVA / "netty-codec.jar", _JAVA / "netty-resolver.jar")
START_SECONDS = 30.0
_MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
_FLAGS = "-Xms32m -Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Dzookeeper.jmx.log4j.disable=true"
_CONFIGURATION = {
    "tickTime": 200,
    "minSessionTimeout": 400,
    "maxSessionTimeout": 20_000,
    "clientPortAddress": "127.0.0.1",
    "admin.enableServer": "false",
    "4lw.commands.whitelist": "ruok,srvr,stat,mntr,cons,dump",
    "maxClientCnxns": 0,
    "forceSync": "no",
    "preAllocSize": 1024,
}


def zookeeper_missing() -> str | None:
    """Return what keeps a server from being started here, with the cure, or None."""
    if shutil.which("java") is None:
        return "java is missing: install a Java runtime (Debian: default-jre-headless)"
    missing = [str(jar) for jar in JARS if not jar.exists()]
    return f"{', '.join(missing)} missing: install ZooKeeper (Debian: zookeeper)" if missing else None


class ServerProcess:
    """A Java process that serves ZooKeeper on a port of 127.0.0.1.

    Args:
        port: for clients without TLS, and for four-letter commands.
        identity: its number in an ensemble.
    """

    def __init__(self, port: int, identity: int | None = None) -> None:
        self.port = port
        self._identity = identity
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The Java process. Raises RuntimeError if there is none."""
        if self._process is None:
            raise RuntimeError("the server is not running: start it first")
        return self._process.pid

    def launch(self, settings: Mapping[str, object]) -> None:
        """Start the process, with the data it had if it was stopped before; `await_serving` tells when it is ready.

        Args:
            settings: lines of its configuration beside the usual ones.

        Raises:
            RuntimeError: it is running already, or Java or ZooKeeper are not installed.
        """
        missing = zookeeper_missing()
        if missing or self.running:
            raise RuntimeError(missing or "the server is running already")
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="horn-zookeeper-"))
        settings = {**_CONFIGURATION, "dataDir": self._folder, "clientPort": self.port, **settings}
        configuration = self._folder / "zoo.cfg"
        configuration.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        if self._identity is not None:
            (self._folder / "myid").write_text(f"{self._identity}\n")
        classes = ":".join(str(jar) for jar in (*JARS, *TLS_JARS) if jar.exists())
        self._process = subprocess.Popen(
            ["java", *_FLAGS.split(), "-cp", classes, _MAIN, str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def await_serving(self) -> None:
        """Wait until it serves clients. Raises RuntimeError if it does not within 30 s; it is stopped then."""
        deadline = time.monotonic() + START_SECONDS
        while not self.mode:
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the ZooKeeper server on port {self.port} did not serve within {START_SECONDS} s")
            time.sleep(0.02)

    @property
    def mode(self) -> str:
        """As what it serves: "standalone", "leader", "follower"; "" while it does not."""
        lines = self.ask("srvr").splitlines()
        return next((line.removeprefix("Mode: ") for line in lines if line.startswith("Mode: ")), "")

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
        """Kill the process; its data stays for another start."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def wipe(self) -> None:
        """Forget all data. Raises RuntimeError if it is running."""
        if self.running:
            raise RuntimeError("the server is running: stop it before its data is wiped")
        if self._folder is not None:
            shutil.rmtree(self._folder)
            self._folder = None
