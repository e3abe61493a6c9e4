"""Kernels that several threads of a new process are the first to call."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import threading

import numpy as np

from horn.neurons.activations.softmax import SoftmaxNormalization
from horn.neurons.scoring import count_correct, dense_targets

failed, start = [], threading.Barrier(4)


def first() -> None:
    try:
        start.wait(timeout=30)
        dense = dense_targets(np.array([0, 1]), 2)
        count_correct(dense, dense)
        SoftmaxNormalization().apply_batch(dense)
    except Exception as error:
        failed.append(error)


threads = [threading.Thread(target=first) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failed, failed
"""


def test_threads_may_be_the_first_to_call_a_kernel(tmp_path: Path) -> None:
    # The peers of a job are threads: on an empty cache their first step compiles in all of them at once.
    environment = os.environ | {"HORN_CACHE": str(tmp_path)}
    command = [sys.executable, "-W", "error", "-c", SCRIPT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
