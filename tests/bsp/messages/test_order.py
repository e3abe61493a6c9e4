"""Messages joined at their sender, sorted at their receiver, and read one by one."""

from typing import Any

import numpy as np
import pytest

from horn.bsp import BSPError, BSPJob, Peer


def combine(peer: Peer) -> dict[str, Any]:
    found: dict[str, Any] = {}
    array = np.array([peer.index, -peer.index])
    combiners: list[tuple[str, Any, list[Any]]] = [
        ("sum", "sum", [1, 2.5, peer.index]),
        ("least", "min", [(3, "c"), (1, peer.index)]),
        ("arrays", "max", [array, np.array([1, 1])]),
        ("function", lambda a, b: a + b, [[peer.index], ["x"], ["y"]]),
        ("none", None, [1, 2]),
    ]
    for name, combiner, values in combiners:
        peer.combine(combiner)
        for value in values:
            peer.send(0, value)
        array += 100
        peer.sync()
        found[name] = [m.tolist() if isinstance(m, np.ndarray) else m for m in peer.messages()]
        array -= 100
    peer.combine("sum")
    peer.send(0, 1)
    peer.combine(None)
    peer.send(0, 2)
    peer.sync()
    found["changed"] = peer.messages()
    return found


def test_a_combiner_leaves_one_message_per_sender_and_receiver(placement: dict[str, Any]) -> None:
    job = BSPJob(combine, **placement)
    senders = range(placement["peers"])
    assert job.run() == {
        "sum": [3.5 + i for i in senders],
        "least": [(1, i) for i in senders],
        "arrays": [[max(i, 1), 1] for i in senders],
        "function": [[i, "x", "y"] for i in senders],
        "none": [1, 2] * placement["peers"],
        "changed": [1, 2] * placement["peers"],
    }
    assert all(value["sum"] == [] for value in job.values[1:])


def ordered(peer: Peer) -> tuple[list[Any], list[Any], list[Any]]:
    for number in range(3):
        peer.send(0, (-number % 3, peer.index, number))
    peer.sync()
    first = peer.messages(key=lambda message: message[0])
    return first, peer.messages(), list(peer.stream())


def test_messages_are_sorted_by_a_key_and_else_stay_in_order(placement: dict[str, Any]) -> None:
    by_key, plain, streamed = BSPJob(ordered, **placement).run()
    expected = [(-number % 3, sender, number) for sender in range(placement["peers"]) for number in range(3)]
    assert plain == streamed == expected
    assert by_key == sorted(expected, key=lambda message: message[0])


def late(peer: Peer) -> None:
    peer.send(0, 1)
    peer.send(0, 2)
    peer.sync()
    messages = peer.stream()
    next(messages)
    peer.sync()
    next(messages)


def test_a_stream_ends_with_its_superstep() -> None:
    with pytest.raises(BSPError, match="the superstep has ended"):
        BSPJob(late, 1).run()


@pytest.mark.parametrize("combiner", ["mean", 3])
def test_what_is_no_combiner_is_refused(combiner: Any) -> None:
    with pytest.raises(BSPError, match="must be sum, min, max or a function of two messages"):
        BSPJob(lambda peer: peer.combine(combiner), 1).run()


def test_a_combiner_refuses_what_cannot_be_sent() -> None:
    def program(peer: Peer) -> None:
        peer.combine("sum")
        peer.send(1, 1)

    with pytest.raises(BSPError, match=r"the receiver must be in \[0, 1\), got 1"):
        BSPJob(program, 1).run()
