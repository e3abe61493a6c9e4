"""What runs in a janitor's process, as a script; see `janitor`.

It waits in 10 MB with three light modules; the engine is imported when there is something to remove. It ends with the
pipe, or with its parent (a process that the launcher has forked may hold the pipe open), and no later than a minute
after these.
"""

import os
import select
import signal
import sys

DONE = b"done\n"
REMOVAL_SECONDS = 60
_LOOK_SECONDS = 1.0


def main() -> None:
    """Wait for the launcher's end, and remove what it has left."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    parent = os.getppid()
    read = b""
    while os.getppid() == parent:
        if select.select([0], [], [], _LOOK_SECONDS)[0]:
            more = os.read(0, 65536)
            if not more:
                break
            read += more
    told, ended, rest = read.partition(b"\n")
    if ended and rest != DONE:
        signal.alarm(REMOVAL_SECONDS)
        remove(told)


def remove(told: bytes) -> None:
    """Remove a job, as its launcher has told before it was killed."""
    import json

    plain = json.loads(told)
    sys.path[:] = plain["path"]

    from horn.bsp.coordination.removal import remove_job
    from horn.bsp.coordination.session import Session
    from horn.bsp.coordination.settings import ZooKeeper

    session = Session(ZooKeeper.restored(plain["settings"]))
    try:
        remove_job(session, plain["root"], [plain["owner"]])
    finally:
        session.close()


if __name__ == "__main__":
    main()
