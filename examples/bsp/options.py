"""The options of all examples, as arguments of `BSPJob`."""

import argparse
from typing import Any


def options() -> dict[str, Any]:
    """Read them from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=int, default=4)
    parser.add_argument("--processes", type=int, help="that the peers are spread over as threads")
    parser.add_argument("--transport", choices=("shared", "tcp", "threads"))
    parser.add_argument("--zookeeper", metavar="HOST:PORT", help="have ZooKeeper coordinate; by default no server")
    return vars(parser.parse_args())
