"""Encrypted connections: the files with which both ends prove who they are."""

from dataclasses import asdict, dataclass
from os import PathLike, fspath
from typing import TYPE_CHECKING

from .errors import BSPError

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True)
class TLS:
    """The files with which the client and the servers prove who they are: PEM, keys without a passphrase.

    Args:
        ca: certificates of those who may sign the other end's certificate; the system's if None.
        certificate: our own, where the other end asks for one.
        key: its private key.
        check_hostname: whether a server's certificate must name the host that we connect to.

    Raises:
        BSPError: a file that cannot be used.
    """

    ca: str | PathLike[str] | None = None
    certificate: str | PathLike[str] | None = None
    key: str | PathLike[str] | None = None
    check_hostname: bool = True

    def __post_init__(self) -> None:
        for name in ("ca", "certificate", "key"):
            if (file := getattr(self, name)) is not None:
                object.__setattr__(self, name, fspath(file))
        if (self.certificate is None) != (self.key is None):
            raise BSPError("TLS needs certificate and key together, or neither of them")
        try:
            self.context()
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            files = ", ".join(f"{name}={value!r}" for name, value in asdict(self).items() if isinstance(value, str))
            raise BSPError(f"TLS({files}) cannot be used: {error}; PEM files are needed") from error

    def context(self) -> "ssl.SSLContext":
        """Return the context of a client's connections, that reads the files."""
        import ssl  # jobs without it do not pay for it

        context = ssl.create_default_context(cafile=self.ca)
        context.check_hostname = self.check_hostname
        self._present(context)
        return context

    def server_context(self) -> "ssl.SSLContext":
        """Return the context of a server's connections: its clients must have a certificate, too."""
        import ssl

        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        context.num_tickets = 0  # clients that only write would never read them
        self._present(context)
        return context

    def _present(self, context: "ssl.SSLContext") -> None:
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key, password=_no_passphrase)


def _no_passphrase() -> str:
    raise ValueError("the key is protected by a passphrase, which nobody can enter in a worker")
