"""Memory that a worker has freed stays its own."""

import platform
import resource

import pytest

from horn.bsp import BSPJob

SIZE, PAGE, ROUNDS = 4 << 20, resource.getpagesize(), 20


def faults_of_large_blocks(peer):
    """Page faults of making and dropping two blocks at a time, as messages come and go."""
    before = 0
    for turn in range(2 * ROUNDS):
        if turn == ROUNDS:
            before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
        blocks = [bytearray(SIZE) for _ in range(2)]
        del blocks
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep freed memory as they like")
def test_messages_of_megabytes_touch_no_new_pages():
    job = BSPJob(faults_of_large_blocks, peers=2, processes=1)
    job.run()
    assert max(job.values) < ROUNDS * 2 * SIZE / PAGE / 10
