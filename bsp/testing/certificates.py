"""Certificates made for the occasion: an authority of one's own, one certificate for servers and one for clients."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_DAYS = "2"
_OPENSSL_SECONDS = 30
_NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1\n"
_NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


@dataclass(frozen=True)
class Certificates:
    """PEM files, all signed by one authority and valid for localhost and 127.0.0.1.

    Attributes:
        ca: the authority's certificate.
        server, server_key: a server's certificate, and its key.
        client, client_key: a client's certificate, and its key.
    """

    ca: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


def make_certificates(folder: Path) -> Certificates:
    """Make the files in an existing folder; they are valid for two days.

    Raises:
        RuntimeError: there is no `openssl`, or it fails.
    """
    if shutil.which("openssl") is None:
        raise RuntimeError("openssl is missing: certificates cannot be made (Debian: apt-get install openssl)")
    ca, ca_key = folder / "ca.pem", folder / "ca.key"
    authority: list[str | Path] = ["-keyout", ca_key, "-out", ca, "-days", _DAYS, "-subj", "/CN=Horn's tests"]
    _openssl("req", "-x509", *_NEW_KEY, *authority)
    (folder / "names").write_text(_NAMES)
    server, client = _sign(folder, "server", ca, ca_key), _sign(folder, "client", ca, ca_key)
    return Certificates(ca, *server, *client)


def _sign(folder: Path, name: str, ca: Path, ca_key: Path) -> tuple[Path, Path]:
    """Make a key and have the authority sign it; return the certificate and the key."""
    certificate, key, request = folder / f"{name}.pem", folder / f"{name}.key", folder / f"{name}.csr"
    _openssl("req", *_NEW_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
    authority: list[str | Path] = ["-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", _DAYS]
    _openssl("x509", "-req", "-in", request, *authority, "-extfile", folder / "names", "-out", certificate)
    return certificate, key


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(
        ["openssl", *arguments], capture_output=True, text=True, timeout=_OPENSSL_SECONDS, check=False
    )
    if done.returncode:
        raise RuntimeError(f"openssl {arguments[0]} failed with exit code {done.returncode}: {done.stderr.strip()}")
