"""The process that workers are forked from.

It is a fresh interpreter of a single thread that has imported what workers need, and computes nothing: a fork of it
inherits no lock and no thread pool in the middle of its work, and can begin after milliseconds. It ends with the
process that started it, and the workers end with it.
"""

import atexit
import gc
import importlib
import os
import selectors
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from .descriptors import LONGEST, close, receive, renumber, send
from .starting import work

#: How a worker's exit code is written to its pipe.
CODE = struct.Struct("<i")
#: Seconds between two looks at who started this.
_LOOK_EVERY = 0.5


class _Ended(NamedTuple):
    """Where the end of a forked process is to be told."""

    pid: int
    pipe: int


class _Request(NamedTuple):
    """What a worker that has just been forked is to do."""

    message: dict[str, Any]
    descriptors: list[int]

    def run(self, parent: int) -> NoReturn:
        """Become the worker."""
        message = self.message
        renumber(self.descriptors, message["numbers"])
        os.fchdir(message["folder"])
        os.close(message["folder"])
        os.sched_setaffinity(0, message["cores"])
        if message["blas_threads"] > 1:
            # Imported here: what is loaded has one thread, which is what most jobs want.
            from threadpoolctl import threadpool_limits

            threadpool_limits(message["blas_threads"], "blas")
        if "numpy.random" in sys.modules:  # else what is drawn without a seed would be the same in all workers
            sys.modules["numpy.random"].seed()
        work(message["spec"], message["process"], message["pipe"], parent)
        _leave()


def _leave() -> NoReturn:
    """End as an interpreter does, but for taking all modules apart, for which it would copy the server's memory."""
    vars(threading)["_shutdown"]()  # waits for threads and for the pools of concurrent.futures
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def serve(link: int, preload: Sequence[str]) -> None:
    """Fork workers on request, until the other end of `link` is closed.

    Args:
        link: descriptor of the socket that requests come from.
        preload: what to load first: "module", or "module:function" to call that, too.
    """
    parent = os.getpid()
    with socket.socket(fileno=link) as requests:
        requests.set_inheritable(False)
        try:
            for wanted in ("horn.bsp.running.worker", *preload):
                _load(wanted)
        except Exception:
            trace = traceback.format_exc()[-LONGEST // 4 :]
            send(requests, {"error": f"they cannot load what they need:\n{trace}"})
            return
        # What is there now stays: the collector of a worker need not look at it, and so copy its pages.
        gc.collect()
        gc.freeze()
        send(requests, {})
        request = _fork(requests)
    request.run(parent)


def _load(wanted: str) -> None:
    name, _, function = wanted.partition(":")
    module = importlib.import_module(name)
    if function:
        getattr(module, function)()


def _fork(requests: socket.socket) -> _Request:
    """Fork as often as is asked for; returns in the forked processes."""
    starter = os.getppid()
    with selectors.DefaultSelector() as selector:
        selector.register(requests, selectors.EVENT_READ)
        while True:
            events = selector.select(_LOOK_EVERY)
            if os.getppid() != starter:  # a fork of it may still hold the other end
                os._exit(0)
            for key, _ in events:
                if key.fileobj is not requests:
                    selector.unregister(key.fd)
                    _tell_end(key.fd, key.data)
                    continue
                asked = receive(requests)
                if asked is None:
                    os._exit(0)  # at once: the workers' lives hang on this process's
                message, (end, *descriptors) = asked
                try:
                    pid = os.fork()
                except OSError as error:  # the workers that run go on
                    close([end, *descriptors])
                    send(requests, {"error": f"no process can be forked ({error})"})
                    continue
                if pid == 0:
                    running = [other for other in selector.get_map().values() if other.data is not None]
                    close([end, *(other.fd for other in running), *(other.data.pipe for other in running)])
                    return _Request(message, descriptors)
                close(descriptors)
                process = os.pidfd_open(pid)
                selector.register(process, selectors.EVENT_READ, _Ended(pid, end))
                send(requests, {"pid": pid}, [process])


def _tell_end(process: int, ended: _Ended) -> None:
    _, status = os.waitpid(ended.pid, 0)
    try:
        os.write(ended.pipe, CODE.pack(os.waitstatus_to_exitcode(status)))
    except BrokenPipeError:  # nobody wants to know it any more
        pass
    finally:
        close([process, ended.pipe])
