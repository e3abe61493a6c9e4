"""A coordination service like ZooKeeper, as far as the machines can tell: nodes, ephemerals, watches that fire once.

A session's requests are carried out in the order in which they were sent, one operation at a time, between which those
of other sessions may come; its answers and its watches' events arrive in the order in which they arose, as late as you
like.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass, replace

Path = tuple[Hashable, ...]
NO_NODE, EXISTS, DONE = "no node", "exists", "done"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        kind: "exists", "get", "list" the children, "create", "set", "delete", "all" of `parts` or none, "close" the
            session.
        path: the node.
        data: of a node to be created or set.
        watch: whether the session is told when the node is created, changed or deleted.
        ephemeral: whether a node to be created goes with its session.
        parts: of "all".
        joined: whether it is carried out together with the one before: where what comes between makes no difference.
    """

    kind: str
    path: Path = ()
    data: Hashable = None
    watch: bool = False
    ephemeral: bool = False
    parts: tuple[Operation, ...] = ()
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """Operations that are sent at once and answered together.

    Attributes:
        action: what they are for.
        operations: what is left to be carried out.
        results: of those that were.
        awaited: whether there is an answer; else nobody cares what it says.
    """

    action: Hashable
    operations: tuple[Operation, ...]
    results: tuple[Hashable, ...] = ()
    awaited: bool = True

    def key(self) -> Hashable:
        """Return what tells two requests of one session apart."""
        return self.action, len(self.operations), self.results

    def writes(self) -> bool:
        """Whether it is left to change anything."""
        return any(operation.kind not in ("exists", "get", "list") for operation in self.operations)


@dataclass(frozen=True, slots=True)
class Answer:
    """The results of a request."""

    action: Hashable
    results: tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Fired:
    """A watch has fired: the node was "created", "changed" or "deleted"."""

    path: Path
    event: str


class Service:
    """The nodes, and per session the requests on their way there and the answers on their way back.

    Nodes map a path to its data and its owner, the session of an ephemeral one.
    """

    def __init__(self) -> None:
        self.nodes: dict[Path, tuple[Hashable, int | None]] = {(): (None, None)}
        self.watches: frozenset[tuple[Path, int]] = frozenset()
        self.requests: dict[int, tuple[Request, ...]] = {}
        self.answers: dict[int, tuple[Answer | Fired, ...]] = {}
        self.deaf: frozenset[int] = frozenset()
        self._nodes_key: Hashable = None

    def fork(self) -> Service:
        """Return an independent copy."""
        copy = Service.__new__(Service)
        copy.nodes, copy._nodes_key = self.nodes, self._nodes_key  # copied when changed
        copy.watches, copy.deaf = self.watches, self.deaf
        copy.requests = dict(self.requests)
        copy.answers = dict(self.answers)
        return copy

    def key(self) -> Hashable:
        """Return what tells two states apart."""
        if self._nodes_key is None:
            self._nodes_key = hash(frozenset(self.nodes.items()))
        requests = tuple(tuple([request.key() for request in those]) for those in self.requests.values())
        return self._nodes_key, self.watches, requests, tuple(self.answers.values())

    def open(self, session: int) -> None:
        """Begin a session."""
        self.requests[session] = ()
        self.answers[session] = ()

    def send(self, session: int, request: Request) -> None:
        """Send a request."""
        self.requests[session] += (request,)

    def serve(self, session: int) -> None:
        """Carry out the next operation of a session, and those that are joined to it."""
        first, *others = self.requests[session]
        operation, *left = first.operations
        if operation.kind == "close":
            self.expire(session)
            return
        results = (*first.results, self.carry_out(operation, session))
        self.requests[session] = (replace(first, operations=tuple(left), results=results), *others)
        if left:
            if left[0].joined:
                self.serve(session)
            return
        self.requests[session] = tuple(others)
        if session not in self.deaf and first.awaited:
            self.answers[session] += (Answer(first.action, results),)

    def deliver(self, session: int) -> Answer | Fired:
        """Take the next answer of a session."""
        first, *others = self.answers[session]
        self.answers[session] = tuple(others)
        return first

    def disconnect(self, session: int) -> None:
        """Lose what is on its way and the session's watches."""
        self.open(session)
        self.watches = frozenset(watch for watch in self.watches if watch[1] != session)

    def hang_up(self, session: int) -> None:
        """Deliver nothing to a session any more; what it has sent is still on its way."""
        self.deaf |= {session}
        self.answers[session] = ()
        self.requests[session] = tuple(request for request in self.requests[session] if request.writes())
        self.watches = frozenset(watch for watch in self.watches if watch[1] != session)

    def expire(self, session: int) -> None:
        """End a session: its ephemerals go."""
        self.disconnect(session)
        for path in [path for path, (_, owner) in self.nodes.items() if owner == session]:
            self._change(path, None)

    def remove(self, path: Path) -> None:
        """Remove a node with all below."""
        for below in [node for node in self.nodes if node[: len(path)] == path]:
            self._change(below, None)

    def carry_out(self, operation: Operation, session: int | None = None) -> Hashable:
        """Carry out an operation, for a session or for nobody."""
        if operation.kind == "all":
            made: set[Path] = set()
            for part in operation.parts:
                if reason := self._refusal(part, made):
                    return reason
                made.add(part.path)
            for part in operation.parts:
                self.carry_out(part, session)
            return DONE
        if operation.kind in ("create", "set", "delete"):
            return self._refusal(operation) or self._write(operation, session)
        if (
            operation.watch
            and session is not None
            and session not in self.deaf
            and (operation.kind == "exists" or operation.path in self.nodes)
        ):
            self.watches |= {(operation.path, session)}
        return self._read(operation)

    def _read(self, operation: Operation) -> Hashable:
        path = operation.path
        if operation.kind == "list":
            names = [other[-1] for other in self.nodes if other[:-1] == path and other]
            return tuple(sorted(names, key=str)) if path in self.nodes else NO_NODE
        if operation.kind == "get":
            return self.nodes[path][0] if path in self.nodes else NO_NODE
        return path in self.nodes

    def _refusal(self, operation: Operation, made: Collection[Path] = ()) -> str:
        """Return why an operation would be refused, given what those before it have made."""
        if operation.kind != "create":
            return "" if operation.path in self.nodes else NO_NODE
        if operation.path[:-1] not in self.nodes and operation.path[:-1] not in made:
            return NO_NODE
        return EXISTS if operation.path in self.nodes else ""

    def _write(self, operation: Operation, session: int | None) -> str:
        if operation.kind == "delete":
            self._change(operation.path, None)
        else:
            self._change(operation.path, (operation.data, session if operation.ephemeral else None))
        return DONE

    def _change(self, path: Path, node: tuple[Hashable, int | None] | None) -> None:
        self.nodes, self._nodes_key = dict(self.nodes), None
        event = "deleted" if node is None else "changed" if path in self.nodes else "created"
        if node is None:
            del self.nodes[path]
        else:
            self.nodes[path] = node
        fired = [watch for watch in self.watches if watch[0] == path]
        self.watches = self.watches.difference(fired)
        for _, session in sorted(fired, key=lambda watch: watch[1]):
            self.answers[session] += (Fired(path, event),)
