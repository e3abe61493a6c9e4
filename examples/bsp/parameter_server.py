"""A parameter server: peer 0 keeps the parameters, all peers push gradients to it; nobody waits for anybody else.

    python parameter_server.py [--peers N] [--processes N] [--transport shared|tcp|threads] [--zookeeper HOST:PORT]

No supersteps: whoever has pushed a gradient of its rows gets the parameters of that moment by post, and goes on. The
way there differs from run to run. The end does not: there is a solution without residual, and with a small rate even
gradients of old parameters lead to it. Six decimal places of it are returned.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from options import options

from horn.bsp import BSPJob, Peer

Array = NDArray[np.float64]
ROWS, COLUMNS, RATE, PRECISION = 3000, 8, 0.5, 1e-9


def equations() -> tuple[Array, Array]:
    """Rows and right-hand sides of a linear system with more equations than unknowns."""
    random = np.random.default_rng(2)
    rows = random.normal(size=(ROWS, COLUMNS))
    return rows, rows @ (random.integers(-40, 40, COLUMNS) / 8)


class Server:
    """Keeps the parameters. Each peer has them once at a time: it gets them again in return for its gradient."""

    def __init__(self, peer: Peer) -> None:
        self.peer, self.parameters, self.ended = peer, np.zeros(COLUMNS), 0
        self.steepness = np.full(peer.num_peers, np.inf)
        self.post("parameters", range(peer.num_peers))

    def post(self, kind: str, to: Iterable[int]) -> None:
        for index in to:
            self.peer.post(index, (kind, self.parameters))

    def push(self, sender: int, gradient: Array) -> None:
        self.parameters -= RATE * gradient
        self.steepness[sender] = np.linalg.norm(gradient)
        if self.ended or self.steepness.max() < PRECISION:
            self.ended += 1  # no gradient of this peer is under way any more
        else:
            self.post("parameters", [sender])
        if self.ended == self.peer.num_peers:
            self.post("solution", range(self.peer.num_peers))


def program(peer: Peer) -> Array:
    """Return the solution."""
    rows, sides = (part[peer.index :: peer.num_peers] for part in equations())
    server = Server(peer) if peer.index == 0 else None
    while True:
        peer.wait()
        for sender, (kind, value) in peer.inbox():
            if kind == "solution":
                solution: Array = np.round(value, 6)
                return solution
            if kind == "parameters":
                peer.post(0, ("gradient", rows.T @ (rows @ value - sides) / ROWS))
            elif server is not None:
                server.push(sender, value)


def parallel(**settings: Any) -> Array:
    """Run the job."""
    solution: Array = BSPJob(program, **settings).run()
    return solution


def serial() -> Array:
    """The same by numpy."""
    return np.round(np.linalg.lstsq(*equations(), rcond=None)[0], 6)


if __name__ == "__main__":
    difference = np.abs(parallel(**options()) - serial()).max()
    print(f"largest difference between the parameter server's solution and the serial one: {difference:.1e}")
