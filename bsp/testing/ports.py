"""Free ports on the loopback interface."""

import contextlib
import random
import socket

# Below the range that the kernel takes ports of outgoing connections from: nobody gets such a port by accident while
# its server is down, and a client that tries to reach it cannot be connected to itself.
_PORTS = range(15_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Return different ports of 127.0.0.1 that nobody listens on."""
    draw = random.SystemRandom()  # not the seeded one: runs beside each other must draw differently
    ports: list[int] = []
    with contextlib.ExitStack() as probes:
        for port in draw.sample(_PORTS, len(_PORTS)):
            if len(ports) == count:
                break
            probe = probes.enter_context(socket.socket())
            with contextlib.suppress(OSError):  # in use: the next one
                probe.bind(("127.0.0.1", port))
                ports.append(port)
    if len(ports) < count:
        raise RuntimeError(f"only {len(ports)} of {count} ports are free in {_PORTS.start}-{_PORTS.stop - 1}")
    return ports


def free_range(count: int) -> tuple[int, int]:
    """Return the first and the last of so many neighbouring ports of 127.0.0.1 that nobody listens on."""
    draw = random.SystemRandom()
    for _ in range(1000):
        low = draw.randrange(_PORTS.start, _PORTS.stop - count)
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):  # one is in use: elsewhere
            for port in range(low, low + count):
                probes.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return low, low + count - 1
    raise RuntimeError(f"no {count} neighbouring ports are free in {_PORTS.start}-{_PORTS.stop - 1}")
