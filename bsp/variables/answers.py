"""The exchange of what gets ask for: one more barrier in the supersteps that have any."""

from collections.abc import Mapping

from ..barriers import call
from ..collectives import Phases
from .base import Remote

_CALL = call("sync(), the values that gets asked for")


def exchange_answers(phases: Phases, index: int, variables: Mapping[int, Remote]) -> None:
    """Answer what others asked this member, and take what it has asked for.

    Args:
        phases: how members exchange values.
        index: the member.
        variables: by their numbers in the group.
    """
    replies: dict[int, list[object]] = {}
    for number, variable in variables.items():
        for answer in variable.answers():
            replies.setdefault(answer.asker, []).append([number, answer.request, answer.value])
    for asker, reply in replies.items():
        phases.give(index, reply, asker)
    phases.end(index, _CALL)
    owners = set().union(*(variable.owners for variable in variables.values()))
    for owner in sorted(owners):
        for number, request, value in phases.given(owner, index):
            variables[number].resolve(request, value)
