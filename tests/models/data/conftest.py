"""A tiny set in the shape of MNIST, served by HTTP servers that behave and misbehave."""

import gzip
import hashlib
import http.server
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from horn.models.data import handwritten
from horn.models.data.files import KnownFile


def idx(array: np.ndarray) -> bytes:
    """The IDX encoding of an array of bytes."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def tiny_arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    shapes = {"train-images": (12, 3, 2), "train-labels": (12,), "t10k-images": (5, 3, 2), "t10k-labels": (5,)}
    return {name: rng.integers(0, 256 if len(shape) == 3 else 10, shape) for name, shape in shapes.items()}


@pytest.fixture
def contents(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, bytes]:
    """The tiny set by file name; it stands in for MNIST, the cache is empty, and no folder is set."""
    made = {name: idx(array) for name, array in tiny_arrays().items()}
    files = tuple(KnownFile(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in made.items())
    monkeypatch.setattr(handwritten, "FILES", files)
    monkeypatch.setenv("HORN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HORN_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "*")
    return made


@pytest.fixture
def folder(contents: dict[str, bytes], tmp_path: Path) -> Path:
    """A folder with the tiny set, plain."""
    path = tmp_path / "given"
    path.mkdir()
    for name, data in contents.items():
        (path / name).write_bytes(data)
    return path


class Mirror:
    """An HTTP server; `serve` changes what it sends for a request, `requests` counts them by name."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self.requests: Counter[str] = Counter()
        self.serve: Callable[[bytes], bytes | None] = lambda body: body
        self.announced: Callable[[bytes], int] = len
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rsplit("/", 1)[-1]
                mirror.requests[name] += 1
                full = gzip.compress(contents[name.removesuffix(".gz")])
                body = mirror.serve(full)
                if body is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(mirror.announced(full)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/mnist"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def make_mirror(contents: dict[str, bytes]) -> Iterator[Callable[[], Mirror]]:
    mirrors: list[Mirror] = []

    def make() -> Mirror:
        mirrors.append(Mirror(contents))
        return mirrors[-1]

    yield make
    for mirror in mirrors:
        mirror.close()


@pytest.fixture
def mirror(make_mirror: Callable[[], Mirror]) -> Mirror:
    """One mirror of the tiny set."""
    return make_mirror()
