"""Co-arrays against a serial model: gets see the state before all puts, puts take effect by (sender, sequence)."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from horn.bsp import BSPError, BSPJob, Peer
from horn.bsp.group import Group
from horn.bsp.variables.indexing import key_of, place_of

SHAPE = (6, 4)
STEPS = 6
OPERATIONS = {"sum": np.add, "prod": np.multiply, "min": np.minimum, "max": np.maximum}
Operation = tuple[str, int, Any, Any]


def operations(member: int, members: int, step: int) -> list[Operation]:
    """What a member does in a superstep: ("put" | "get" | an operation, to, index, values)."""
    rng = np.random.default_rng([member, members, step])
    indices: list[Any] = [
        ...,
        int(rng.integers(-6, 6)),
        (slice(None, None, 2), 1),
        (slice(-1, 0, -2), slice(1, 3)),
        (np.array([0, 2, 2]), np.array([1, 3, 3])),
        [5, 0, 5],
        (..., 3),
        rng.random(SHAPE) < 0.3,
        (2, 3),
    ]
    drawn: list[Operation] = []
    for _ in range(rng.integers(0, 7)):
        kind = str(rng.choice(["put", "get", *OPERATIONS]))
        if step % 3 == 2 and kind == "get":
            kind = "put"  # supersteps without gets
        index = indices[rng.integers(len(indices))]
        values = rng.integers(-3, 4, np.zeros(SHAPE)[index].shape)
        drawn.append((kind, int(rng.integers(members)), index, values))
    return drawn


def exchange(group: Group) -> list[tuple[Any, list[Any]]]:
    array = group.coarray(SHAPE, "i8")
    array.local[:] = group.index
    found = []
    for step in range(STEPS):
        futures = []
        for kind, to, index, values in operations(group.index, group.num_peers, step):
            if kind == "get":
                futures.append(array.get(to, index))
            elif kind == "put":
                array.put(to, values, index)
                values += 100  # was copied at the call
            else:
                array.accumulate(to, values, index, kind)
        array.local += 1  # before the superstep ends: seen by gets, and under the puts
        group.sync()
        found.append((array.local.copy(), [future.value for future in futures]))
    return found


def serial(members: int) -> list[list[tuple[Any, list[Any]]]]:
    """The oracle."""
    state = [np.full(SHAPE, member) for member in range(members)]
    found: list[list[tuple[Any, list[Any]]]] = [[] for _ in range(members)]
    for step in range(STEPS):
        for array in state:
            array += 1
        todo = [operations(member, members, step) for member in range(members)]
        got = [[state[to][index].copy() for kind, to, index, _ in mine if kind == "get"] for mine in todo]
        for mine in todo:
            for kind, to, index, values in mine:
                if kind == "put":
                    state[to][index] = values
                elif kind != "get":
                    OPERATIONS[kind].at(state[to], index, values)
        for member in range(members):
            found[member].append((state[member].copy(), got[member]))
    return found


def on_world_and_halves(peer: Peer) -> tuple[Any, Any]:
    with peer.split(peer.index % 2) as half:
        inside = exchange(half)
    return exchange(peer), inside


def check(results: list[Any]) -> None:
    for found, expected in zip(results, serial(len(results)), strict=True):
        for (local, got), (state, wanted) in zip(found, expected, strict=True):
            np.testing.assert_array_equal(local, state)
            assert len(got) == len(wanted)
            for value, right in zip(got, wanted, strict=True):
                np.testing.assert_array_equal(value, right)


def test_puts_and_gets_follow_the_serial_model(placement: dict[str, Any]) -> None:
    job = BSPJob(on_world_and_halves, **placement)
    job.run()
    check([world for world, _ in job.values])
    for color in {index % 2 for index in range(placement["peers"])}:
        check([half for _, half in job.values[color::2]])


shapes = hnp.array_shapes(max_dims=3, max_side=5)
drawn_indices = shapes.flatmap(
    lambda shape: st.tuples(
        st.just(shape),
        st.one_of(hnp.basic_indices(shape), hnp.integer_array_indices(shape), hnp.arrays(np.bool_, shape)),
    )
)


@given(drawn_indices)
def test_an_index_selects_what_numpy_selects(drawn: tuple[tuple[int, ...], Any]) -> None:
    shape, index = drawn
    array = np.arange(np.prod(shape)).reshape(shape)
    place, selected = place_of(index, shape)
    np.testing.assert_array_equal(array[key_of(place)], array[index])
    assert selected == array[index].shape


def mistakes(peer: Peer) -> list[str]:
    array = peer.coarray(SHAPE, "i2")
    future = array.get(0)
    calls: list[Any] = [
        lambda: array.put(2, 1),
        lambda: array.put(0, 1, 6),
        lambda: array.put(0, 1, (0, 0, 0)),
        lambda: array.put(0, 1, "row"),
        lambda: array.put(0, 1, None),
        lambda: array.put(0, 1, np.array([0.5])),
        lambda: array.get(0, [6]),
        lambda: array.put(0, np.zeros((4, 6), int)),
        lambda: array.put(0, 1.5),
        lambda: array.put(0, 70_000),
        lambda: array.accumulate(0, 1, op="mean"),
        lambda: future.value,
        lambda: peer.coarray(3, "U4"),
    ]
    said = []
    for number, made in enumerate(calls):
        try:
            made()
            said.append(f"{number} was accepted")
        except BSPError as error:
            said.append(str(error))
    peer.sync()
    assert future.known
    return said


def test_what_does_not_fit_is_refused_at_the_call() -> None:
    wanted = [
        "the receiver must be in [0, 2), got 2",
        "the index 6 does not fit an array of shape (6, 4)",
        "the index (0, 0, 0) does not fit",
        "the index 'row' does not fit",
        "the index None does not fit",
        "an array of float64 is no index",
        "the index [6] does not fit",
        "the index selects the shape (6, 4), got values of shape (4, 6)",
        "values of int16 are needed, got float64",
        "values of int16 are needed, got some from 70000 to 70000",
        "one of sum, prod, min, max, got 'mean'",
        "readable after the next sync()",
        "a co-array holds numbers, got <U4",
    ]
    said = BSPJob(mistakes, 2, 1).run()
    assert [text for text, part in zip(said, wanted, strict=True) if part not in text] == []


def differ(peer: Peer) -> None:
    peer.coarray((2, 2) if peer.index else (2, 3))


@pytest.mark.parametrize("processes", [1, 2])
def test_coarrays_of_different_shapes_are_an_error_that_names_them(processes: int) -> None:
    with pytest.raises(BSPError, match=r"peer 1 came for coarray\(\(2, 2\), float64\)"):
        BSPJob(differ, 2, processes).run()
