"""A cluster of simulated processes: its state, and all that can happen to it next."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from ...machine import Signal
from ...placement import Placement
from .layout import ATTEMPT, ROOMS
from .process import Process, Sent
from .scenario import Scenario
from .service import Operation, Request, Service

TIMEOUT = 3.0
"""Seconds until a silent session expires."""
Choice = tuple[Hashable, ...]


class Cluster:
    """A state of a simulated job.

    Attributes:
        scenario: the job.
        faults: what may still go wrong.
        now: the virtual clock, in seconds.
        attempt: the present attempt.
        service: the coordination service.
        processes: those of all attempts, one attempt after the other; also the number of a process's session.
        channels: signals under way, from process to process, first in, first out.
        expired: the sessions that the service has given up.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.faults = scenario.faults
        self.now = 0.0
        self.attempt = 0
        self.service = Service()
        self.processes: tuple[Process, ...] = ()
        self.channels: dict[tuple[int, int], tuple[Signal, ...]] = {}
        self.expired: frozenset[int] = frozenset()
        for room in ROOMS:
            self.service.carry_out(Operation("create", (room,)))
        self._begin()

    def fork(self) -> Cluster:
        """Return an independent copy."""
        twin = Cluster.__new__(Cluster)
        twin.scenario = self.scenario
        twin.faults, twin.now, twin.attempt, twin.expired = self.faults, self.now, self.attempt, self.expired
        twin.service = self.service.fork()
        twin.processes = self.processes
        twin.channels = dict(self.channels)
        return twin

    def key(self) -> Hashable:
        """Return what tells two states apart."""
        processes = tuple(process.key() for process in self.processes)
        channels = frozenset(self.channels.items())
        return processes, self.service.key(), channels, self.faults, self.attempt, self.now, self.expired

    def of(self, attempt: int) -> dict[int, Process]:
        """Return the processes of an attempt."""
        first = (attempt - 1) * self.scenario.processes
        return dict(enumerate(self.processes[first : first + self.scenario.processes], first))

    # What can happen

    def progress(self) -> list[Choice]:
        """Return what happens by itself, sooner or later."""
        choices: list[Choice] = []
        for index, process in enumerate(self.processes):
            choices += [("serve", index)] if self.service.requests[index] else []
            choices += [("answer", index)] if self.service.answers[index] else []
            choices += [("advance", index)] if process.ready and self._may_advance(index) else []
            choices += [("resume", index)] if process.down_since is not None and not process.over else []
            choices += [("expire", index)] if self._may_expire(index, process) else []
        choices += [("signal", *pair) for pair in self.channels]
        return choices

    def adversity(self) -> list[Choice]:
        """Return what can go wrong now, or be changed by the job's launcher."""
        alive = [index for index, process in enumerate(self.processes) if not process.over]
        present = [index for index in alive if index in self.of(self.attempt)]
        crashed = {index for index, process in enumerate(self.processes) if process.crashed}
        choices: list[Choice] = []
        if self.faults.crashes:
            choices += [("crash", index) for index in present if self.faults.victim in (None, index)]
        if self.faults.breaks:
            choices += [("break", index) for index in alive if self.processes[index].down_since is None]
        if self.faults.restarts and crashed:
            choices.append(("restart",))
        old = self.scenario.layout(self.attempt - 1)
        swept = ("members", old.attempt) not in self.service.nodes
        choices += [("sweep",)] if self.attempt > 1 and self.faults.sweep and not swept else []
        choices += [("cut", index) for index in crashed if any(source == index for source, _ in self.channels)]
        return choices

    def _may_advance(self, index: int) -> bool:
        leaves = len(self.processes[index].verdicts) == self.processes[index].goal
        return not (leaves and self.scenario.settle and any(source == index for source, _ in self.channels))

    def _may_expire(self, index: int, process: Process) -> bool:
        late = process.down_since is not None and self.now - process.down_since >= TIMEOUT
        return index not in self.expired and (process.crashed or late)

    def choices(self) -> list[Choice]:
        """Return all that can happen next, apart from the passing of time."""
        return self.progress() + self.adversity()

    def after(self, choice: Choice) -> Cluster:
        """Return the cluster in which it has happened."""
        twin = self.fork()
        name, *arguments = choice
        getattr(twin, f"_on_{name}")(*arguments)
        return twin

    def _on_serve(self, index: int) -> None:
        self.service.serve(index)

    def _on_answer(self, index: int) -> None:
        answer = self.service.deliver(index)
        self._send(index, self._own(index).receive(answer))

    def _on_signal(self, source: int, to: int) -> None:
        first, *others = self.channels.pop((source, to))
        if others:
            self.channels[source, to] = tuple(others)
        self._send(to, self._own(to).signal(self.processes[source].participant.rank, first))

    def _on_advance(self, index: int) -> None:
        self._send(index, self._own(index).advance())

    def _on_crash(self, index: int) -> None:
        self.faults = replace(self.faults, crashes=self.faults.crashes - 1)
        process = self._own(index)
        process.crashed = True
        # Requests that were sent are still on their way.
        self._hang_up(index)

    def _on_break(self, index: int) -> None:
        self.faults = replace(self.faults, breaks=self.faults.breaks - 1)
        self.service.disconnect(index)
        self._own(index).suspend(self.now)

    def _on_resume(self, index: int) -> None:
        process = self._own(index)
        self._send(index, process.expire() if index in self.expired else process.resume(self.now))

    def _on_expire(self, index: int) -> None:
        self.service.expire(index)
        self.expired |= {index}

    def _on_cut(self, index: int) -> None:
        """What a killed process has sent and what has not arrived is lost."""
        self.channels = {pair: signals for pair, signals in self.channels.items() if pair[0] != index}

    def _on_restart(self) -> None:
        self.faults = replace(self.faults, restarts=self.faults.restarts - 1)
        self._begin()

    def _on_sweep(self) -> None:
        old = self.scenario.layout(self.attempt - 1)
        for room in ROOMS:
            self.service.remove((room, old.attempt))

    def _on_tick(self, seconds: float) -> None:
        self.now += seconds
        for index, process in enumerate(self.processes):
            if not process.crashed:
                self._send(index, self._own(index).tick(self.now))

    # Parts

    def _begin(self) -> None:
        """Begin an attempt: its nodes, and its processes, each with a look around."""
        scenario = self.scenario
        self.attempt += 1
        layout = scenario.layout(self.attempt)
        self.service.carry_out(Operation("set" if ATTEMPT in self.service.nodes else "create", ATTEMPT, self.attempt))
        for room in ("members", "left", "sync"):
            self.service.carry_out(Operation("create", (room, layout.attempt)))
        for path in (layout.step(0), layout.gate(0)):
            self.service.carry_out(Operation("create", path))
        count, first = scenario.processes, len(self.processes)
        for rank in range(count):
            life = scenario.participant(Placement(count, count), rank, self.attempt, "the service", TIMEOUT, self.now)
            barrier = (scenario.dissemination if scenario.direct else scenario.rendezvous)(count, rank)
            # The flags tell the attempts apart.
            call = (*scenario.calls(rank), self.attempt | scenario.flags(rank) << 8)
            self.processes += (Process(life, barrier, layout, scenario.generations, scenario.leave, call),)
            self.service.open(first + rank)
            self.service.carry_out(Operation("create", layout.member(rank), ephemeral=True), first + rank)
        for index in range(first, first + count):
            self._send(index, self._own(index).meet(self.now))
            while self.service.requests[index]:
                self.service.serve(index)
            self._on_answer(index)

    def _own(self, index: int) -> Process:
        """Return a process for change."""
        process = self.processes[index].fork()
        self.processes = (*self.processes[:index], process, *self.processes[index + 1 :])
        return process

    def _send(self, index: int, sent: list[Sent]) -> None:
        process = self.processes[index]
        start = index - process.participant.rank  # of the processes of the same attempt
        for message in sent:
            if isinstance(message, Request):
                if process.down_since is None:
                    self.service.send(index, message)
            elif not self.processes[start + message.to].over:
                pair = index, start + message.to
                self.channels[pair] = (*self.channels.get(pair, ()), message)
        if process.over:
            self._hang_up(index)

    def _hang_up(self, index: int) -> None:
        """Nothing is delivered to a process that is over."""
        self.service.hang_up(index)
        self.channels = {pair: signals for pair, signals in self.channels.items() if pair[1] != index}
