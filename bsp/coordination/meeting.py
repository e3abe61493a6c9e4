"""The barrier in ZooKeeper: runs a `Rendezvous`, the machine that knows what follows from what.

A generation is a znode; each participant tells below it what it came for, and who counts all of them tells all the
verdict. Cost: l = 3-4 round trips to the server one after the other, whatever the number of participants, which the
server's work for each of them adds to.
"""

from __future__ import annotations

import contextlib
import json
import queue
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from kazoo.client import TransactionRequest
from kazoo.exceptions import NodeExistsError, NoNodeError
from kazoo.interfaces import IAsyncResult
from kazoo.protocol.states import EventType, WatchedEvent, ZnodeStat

from .. import failpoints
from ..barriers import Arrival, Barrier, Verdict, mismatch
from ..barriers.patience import Patience
from ..errors import BSPError
from ..machine import Announce, Clear, Gather, Mismatch, Open, Proceed, Read, Rendezvous, Told
from ..machine.agreement import parse
from ..machine.rendezvous import Action
from ..placement import Members
from .guard import Guard
from .layout import JobLayout
from .removal import remove_tree
from .session import BROKEN, SLICE, Session

_Answer: TypeAlias = "IAsyncResult[tuple[bytes, ZnodeStat]]"


class ZooKeeperBarrier(Barrier):
    """One process's side of the barrier of a group.

    Args:
        session: the process's session.
        guard: knows when the attempt has ended.
        layout: the paths of the attempt.
        group: the group's name.
        members: the group.
        process: this process.
        check: runs in each slice of a wait; raises what ended the job.
        timeout: seconds to wait for the others, or None for as long as they live.
    """

    def __init__(
        self,
        session: Session,
        guard: Guard,
        layout: JobLayout,
        group: str,
        members: Members,
        process: int,
        check: Callable[[], None],
        timeout: float | None = None,
    ) -> None:
        self._session = session
        self._guard = guard
        self._layout = layout
        self._group = group
        self._members = members
        self._check = check
        self._timeout = timeout
        self._position = members.processes.index(process)
        self._machine = Rendezvous(len(members.processes), self._position)
        self._go = ""  # what we wait for
        # For the waiting thread: a `go` that is being read, by its path; None when there is a new connection.
        self._news: queue.SimpleQueue[tuple[str, _Answer] | None] = queue.SimpleQueue()
        session.listen(self._on_state)

    def wait(self, arrival: Arrival) -> Verdict:
        """Wait for all processes; see `Barrier.wait`."""
        self._check()
        call = arrival.call
        failpoints.hit("barrier.arriving")
        actions = self._machine.arrive(call.code, call.text, arrival.flags)
        self._go = f"{self._step(self._machine.generation)}/go"
        patience = Patience(self._timeout, self._missing)
        while (verdict := self._carry_out(actions)) is None:
            actions = self._await_news(patience)
        self._go = ""
        return verdict

    def close(self) -> None:
        """Remove the group's znodes, which its first process does for all."""
        self._session.unlisten(self._on_state)
        if self._position == 0:
            remove_tree(self._session, self._layout.group(self._group))
            remove_tree(self._session, self._layout.about(self._group))

    def _step(self, generation: int) -> str:
        return self._layout.step(self._group, generation)

    def _carry_out(self, actions: list[Action]) -> Verdict | None:
        """Do what the machine says, and what follows from that; return the verdict if there is one."""
        verdict: Verdict | None = None
        todo = deque(actions)
        while todo:
            match todo.popleft():
                case Proceed(_, flags):
                    verdict = Verdict(flags)
                case Mismatch(_, calls):
                    raise self._explain(calls)
                case Clear(generation):
                    self._clear(generation)
                case action:
                    todo.extend(self._request(action))
        return verdict

    def _request(self, action: Action) -> list[Action]:
        """Make an action's requests, and return what follows from their answers."""
        try:
            match action:
                case Announce(generation, told):
                    return self._announce(generation, told)
                case Read(generation):
                    data, _ = self._session.answer(self._session.client.get_async(self._go))
                    return self._machine.verdict(generation, _decode(data))
                case Gather(generation):
                    return self._gather(generation)
                case Open(generation, told):
                    return self._open(generation, told)
        except NoNodeError:
            self._guard.explain(self._step(self._machine.generation))
        except BROKEN:
            return self._await_connection()
        return []

    def _announce(self, generation: int, told: Told) -> list[Action]:
        client, answer, step = self._session.client, self._session.answer, self._step(generation)
        mine = f"{step}/{self._members.processes[self._position]}"
        # Three requests in one round trip: a session's requests are carried out, and answered, in order. So the last is
        # waited for, which wakes this thread once.
        opened = client.exists_async(self._go, watch=self._on_go)
        created = client.create_async(mine, _encode(told))
        stat = answer(client.exists_async(step))
        failpoints.hit("barrier.announced")
        if answer(opened) is not None:
            return self._machine.opened(generation)
        try:
            with contextlib.suppress(NodeExistsError):  # the answer to our first request was lost
                answer(created)
        except NoNodeError:
            if generation > 0:
                raise
            self._found()
            return [Announce(generation, told)]
        return self._machine.counted(generation, stat.numChildren if stat is not None else 0)

    def _found(self) -> None:
        """Create what the group needs: whoever comes first."""
        about = json.dumps({"peers": list(self._members.ranks), "processes": self._members.processes}).encode()
        nodes = {self._layout.about(self._group): about, self._layout.group(self._group): b"", self._step(0): b""}
        for path, data in nodes.items():
            with contextlib.suppress(NodeExistsError):
                self._session.create(path, data)

    def _gather(self, generation: int) -> list[Action]:
        step, client = self._step(generation), self._session.client
        answers = [client.get_async(f"{step}/{process}") for process in self._members.processes]
        self._session.answer(answers[-1])
        return self._machine.gathered(generation, [_decode(self._session.answer(one)[0]) for one in answers])

    def _open(self, generation: int, told: Told) -> list[Action]:
        def fill(transaction: TransactionRequest) -> None:
            transaction.create(self._go, _encode(told))
            transaction.create(self._step(generation + 1))

        with contextlib.suppress(NodeExistsError):
            self._session.commit(fill)
        return self._machine.created(generation)

    def _clear(self, generation: int) -> None:
        """Remove a barrier that everybody has left, without waiting for it: what stays goes with the group."""
        step, transaction = self._step(generation), self._session.client.transaction()
        for process in self._members.processes:
            transaction.delete(f"{step}/{process}")
        transaction.delete(f"{step}/go")
        transaction.delete(step)
        transaction.commit_async()

    def _await_news(self, patience: Patience) -> list[Action]:
        while True:
            try:
                news = self._news.get(timeout=SLICE)
            except queue.Empty:
                self._check()
                patience.check()
                continue
            if news is None:
                return self._machine.reconnected()
            path, result = news
            if path != self._go:  # of a barrier that is over
                continue
            try:
                data, _ = self._session.answer(result)
            except NoNodeError:
                self._guard.explain(path)
            except BROKEN:
                return self._await_connection()
            return self._machine.verdict(self._machine.generation, _decode(data))

    def _await_connection(self) -> list[Action]:
        self._check()
        while not self._session.connected:
            self._check()
            with contextlib.suppress(queue.Empty):
                self._news.get(timeout=SLICE)
        return self._machine.reconnected()

    def _missing(self) -> list[int]:
        try:
            present = set(self._session.children(self._step(self._machine.generation)))
        except NoNodeError:
            return []
        if "go" in present:
            return []
        late = [process for process in self._members.processes if str(process) not in present]
        return [rank for process in late for rank in self._members.told(process)]

    def _explain(self, calls: tuple[tuple[bytes, tuple[int, ...]], ...]) -> BSPError:
        ranks: dict[str, list[int]] = {}
        for text, positions in calls:
            those = [rank for position in positions for rank in self._members.told(self._members.processes[position])]
            ranks.setdefault(text.decode(errors="replace"), []).extend(those)
        return mismatch(ranks)

    # In kazoo's threads

    def _on_go(self, event: WatchedEvent) -> None:
        # Read at once, so that the answer is on its way when the waiting thread wakes up.
        if event.type == EventType.CREATED and event.path == self._go:
            self._news.put((event.path, self._session.client.get_async(event.path)))

    def _on_state(self) -> None:
        if self._session.connected:
            self._news.put(None)


def _encode(told: Told) -> bytes:
    flags, calls = told
    return json.dumps([flags, [[code, text.decode("latin-1"), mask] for code, text, mask in calls]]).encode()


def _decode(data: bytes) -> Told:
    try:
        flags, calls = json.loads(data)
        told = parse((flags, [(code, text.encode("latin-1"), mask) for code, text, mask in calls]))
    except (ValueError, TypeError, AttributeError):
        told = None
    if told is None:
        raise BSPError(f"a znode of a barrier holds what Horn has not written: {data[:100]!r}")
    return told
