"""What holds for every test: hypothesis settings, and a session that leaves no process behind."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from horn.bsp.running.forking import end_servers

# A first example may compile kernels, which takes seconds: no deadline for examples, pytest-timeout bounds the test.
hypothesis.settings.register_profile("horn", deadline=None, print_blob=True)
hypothesis.settings.load_profile("horn")


def children() -> dict[int, str]:
    """Process id and command line of every child of this process, on Linux; elsewhere nothing is known of them."""
    pids = {
        int(pid)
        for listing in Path("/proc/self/task").glob("*/children")
        for pid in listing.read_text().split()
    }  # fmt: skip
    commands = {pid: Path(f"/proc/{pid}/cmdline") for pid in pids}
    return {pid: path.read_bytes().replace(b"\0", b" ").decode() for pid, path in commands.items() if path.exists()}


@pytest.fixture(scope="session", autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Whatever a test or a fixture started has ended with it; Python's own resource tracker ends with the session."""
    before = children()
    yield
    end_servers()  # what workers were forked from, else it ends with this process
    left = {pid: command for pid, command in children().items() if pid not in before}
    left = {pid: command for pid, command in left.items() if "resource_tracker" not in command}
    assert not left, f"processes left behind: {left}"
