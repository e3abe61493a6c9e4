"""Training in parallel beside PyTorch: the same network, job batch, dropout, momentum and cores.

    python benchmarks/training.py [--quick] [--only PART …] [--json FILE]

"Best PyTorch" is the fastest of one process with 1 or 2 threads and DDP over gloo in two processes. All of Horn's
processes and DDP's have one BLAS thread each. Horn gathers its batches from 60,000 images; PyTorch's lie ready.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from pathlib import Path

from engine_table import Table
from training_accuracy import accuracy, time_to_accuracy
from training_parts import FULL, QUICK
from training_speed import model_parallel, second_paper, side_by_side
from training_strategies import asynchronous

PARTS = {
    part.__name__: part
    for part in (side_by_side, asynchronous, model_parallel, second_paper, time_to_accuracy, accuracy)
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
        PARTS[name](table, QUICK if options.quick else FULL)
    table.conclude(options.json)


if __name__ == "__main__":
    main()
