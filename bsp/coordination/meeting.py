"""The barrier in ZooKeeper: runs a `Rendezvous`, the machine that knows what follows from what.

A generation is a znode; below it each participant's node tells by its name what it came for, and who sees those of all
opens the gate for which the others watch. Cost: l = 2 round trips to the server one after the other, 3 where the
participants' flags differ, whatever their number; but each adds the work of three requests and an event.
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
from ..machine import Announce, Clear, Gather, Mark, Mismatch, Open, Proceed, Read, Rendezvous, Told
from ..machine.agreement import parse, tell
from ..machine.rendezvous import Action
from ..placement import Members
from .guard import Guard
from .layout import JobLayout
from .removal import remove_tree
from .session import BROKEN, SLICE, Session

_Answer: TypeAlias = "IAsyncResult[tuple[bytes, ZnodeStat]]"
_GATE, _GO = "gate", "go"


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
        self._positions = {process: position for position, process in enumerate(members.processes)}
        self._machine = Rendezvous(len(members.processes), self._position)
        self._gate = ""  # what we wait for
        # For the waiting thread: a gate that was set, by its path, or removed, with the `go` that is being read; None
        # when there is a new connection.
        self._news: queue.SimpleQueue[tuple[str, _Answer | None] | None] = queue.SimpleQueue()
        session.listen(self._on_state)

    def wait(self, arrival: Arrival) -> Verdict:
        """Wait for all processes; see `Barrier.wait`."""
        self._check()
        call = arrival.call
        failpoints.hit("barrier.arriving")
        actions = self._machine.arrive(call.code, call.text, arrival.flags)
        self._gate = f"{self._step(self._machine.generation)}/{_GATE}"
        patience = Patience(self._timeout, self._missing)
        while (verdict := self._carry_out(actions)) is None:
            actions = self._await_news(patience)
        self._gate = ""
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
                case Clear() as left:
                    self._clear(left)
                case action:
                    todo.extend(self._request(action))
        return verdict

    def _request(self, action: Action) -> list[Action]:
        """Make an action's requests, and return what follows from their answers."""
        try:
            match action:
                case Announce() as came:
                    return self._announce(came)
                case Read(generation):
                    data, _ = self._session.answer(self._session.client.get_async(f"{self._step(generation)}/{_GO}"))
                    return self._machine.verdict(generation, _decode(data))
                case Gather(generation, marks):
                    return self._gather(generation, marks)
                case Open(generation, told):
                    return self._open(generation, told)
        except NoNodeError:
            self._guard.explain(self._step(self._machine.generation))
        except BROKEN:
            return self._await_connection()
        return []

    def _announce(self, came: Announce) -> list[Action]:
        client, answer, generation = self._session.client, self._session.answer, came.generation
        step = self._step(generation)
        # Three requests in one round trip: a session's requests are carried out, and answered, in order. So the last is
        # waited for, which wakes this thread once. (kazoo answers a single creation by a thread of its own.)
        gate = client.get_async(self._gate, watch=self._on_gate)
        creation = client.transaction()
        creation.create(f"{step}/{self._name(came.mark)}", came.text)
        created = creation.commit_async()
        listed = client.get_children_async(step)
        try:
            names = answer(listed)
            failpoints.hit("barrier.announced")
            with contextlib.suppress(NodeExistsError):  # the answer to our first request was lost
                self._session.committed(creation, created)
        except NoNodeError:
            if generation > 0:
                raise
            self._found()
            return [came]
        try:
            state, _ = answer(gate)
        except NoNodeError:
            # Or there was no gate yet, and another has created what the group needs in between.
            return [came] if _GATE in names else self._machine.parted(generation)
        if state:
            return self._machine.opened(generation)
        return self._machine.counted(generation, [mark for name in names if (mark := self._mark(name)) is not None])

    def _name(self, mark: Mark) -> str:
        return f"{self._members.processes[mark.place]}.{mark.code}.{mark.flags}"

    def _mark(self, name: str) -> Mark | None:
        """Return what a node tells by its name; None for those that are no participant's."""
        try:
            process, code, flags = map(int, name.split("."))
            return Mark(self._positions[process], code, flags)
        except (ValueError, KeyError):
            return None

    def _found(self) -> None:
        """Create what the group needs: whoever comes first."""
        about = json.dumps({"peers": list(self._members.ranks), "processes": self._members.processes}).encode()

        def fill(transaction: TransactionRequest) -> None:
            transaction.create(self._layout.group(self._group))
            self._add_step(transaction, 0)

        with contextlib.suppress(NodeExistsError):
            self._session.create(self._layout.about(self._group), about)
        with contextlib.suppress(NodeExistsError):
            self._session.commit(fill)

    def _add_step(self, transaction: TransactionRequest, generation: int) -> None:
        transaction.create(self._step(generation))
        transaction.create(f"{self._step(generation)}/{_GATE}")

    def _gather(self, generation: int, marks: tuple[Mark, ...]) -> list[Action]:
        step, client = self._step(generation), self._session.client
        answers = [client.get_async(f"{step}/{self._name(mark)}") for mark in marks]
        self._session.answer(answers[-1])
        texts = [self._session.answer(one)[0] for one in answers]
        tolds = [tell(mark.place, mark.code, text, mark.flags) for mark, text in zip(marks, texts, strict=True)]
        return self._machine.gathered(generation, tolds)

    def _open(self, generation: int, told: Told | None) -> list[Action]:
        def fill(transaction: TransactionRequest) -> None:
            self._add_step(transaction, generation + 1)
            if told is None:
                transaction.set_data(self._gate, b"set")
            else:
                transaction.create(f"{self._step(generation)}/{_GO}", _encode(told))
                transaction.delete(self._gate)

        with contextlib.suppress(NodeExistsError):
            self._session.commit(fill)
        return self._machine.created(generation)

    def _clear(self, left: Clear) -> None:
        """Remove a barrier that everybody has left, without waiting for it: what stays goes with the group."""
        step, transaction = self._step(left.generation), self._session.client.transaction()
        for name in (*map(self._name, left.marks), _GATE if left.set else _GO):
            transaction.delete(f"{step}/{name}")
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
            if path != self._gate:  # of a barrier that is over
                continue
            if result is None:
                return self._machine.opened(self._machine.generation)
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
            present = self._session.children(self._step(self._machine.generation))
        except NoNodeError:
            return []
        here = {mark.place for name in present if (mark := self._mark(name)) is not None}
        late = [process for process, position in self._positions.items() if position not in here]
        return [rank for process in late for rank in self._members.told(process)]

    def _explain(self, calls: tuple[tuple[bytes, tuple[int, ...]], ...]) -> BSPError:
        ranks: dict[str, list[int]] = {}
        for text, positions in calls:
            those = [rank for position in positions for rank in self._members.told(self._members.processes[position])]
            ranks.setdefault(text.decode(errors="replace"), []).extend(those)
        return mismatch(ranks)

    # In kazoo's threads

    def _on_gate(self, event: WatchedEvent) -> None:
        if event.path != self._gate:
            return
        if event.type == EventType.CHANGED:
            self._news.put((event.path, None))
        elif event.type == EventType.DELETED:
            # Read at once, so that the answer is on its way when the waiting thread wakes up.
            go = event.path.removesuffix(_GATE) + _GO
            self._news.put((event.path, self._session.client.get_async(go)))

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
