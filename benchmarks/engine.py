"""How fast the engine is, and what it takes: each figure beside its goal and beside others.

    python benchmarks/engine.py [--quick] [--only PART …] [--json FILE]

Rivals take turns, so that the machine's mood hits all of them; what is printed are medians over all turns.
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from pathlib import Path

from engine_barriers import direct, embedded, zookeeper
from engine_collectives import allreduce
from engine_messages import messages
from engine_resources import growth, memory, start_time
from engine_table import QUICK, Effort, Table
from engine_training import training

PARTS = {
    part.__name__: part
    for part in (embedded, zookeeper, direct, allreduce, messages, start_time, memory, growth, training)
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only try that everything runs")
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure", metavar="PART"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file, too")
    options = parser.parse_args()
    table = Table()
    for name in options.only:
        PARTS[name](table, QUICK if options.quick else Effort())
    table.conclude(options.json)


if __name__ == "__main__":
    main()
