"""Calls that can carry several changes: which changes go together. Pure; it knows no records, only numbers."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["group_calls"]


def group_calls(
    needs: Sequence[Sequence[int]], lanes: Sequence[int], sizes: Sequence[int]
) -> tuple[list[list[int]], list[list[int]], list[int]]:
    """Groups of the numbers ``0 … len(needs)-1``, what each group needs, and its lane.

    A group is of one lane, of at most ``sizes[lane]`` numbers, none of which needs another. Needs must not run in a
    circle. Linear in numbers and needs.

    >>> group_calls([[], [], [0], []], [0, 0, 0, 1], [2, 1])
    ([[0, 1], [2], [3]], [[], [0], []], [0, 0, 1])
    """
    levels = _levels(needs)
    places: dict[tuple[int, int], list[int]] = {}
    for number, level in enumerate(levels):
        places.setdefault((lanes[number], level), []).append(number)
    groups: list[list[int]] = []
    group_lanes: list[int] = []
    group_of = [0] * len(needs)
    for (lane, _), numbers in sorted(places.items()):
        for start in range(0, len(numbers), sizes[lane]):
            group = numbers[start : start + sizes[lane]]
            for number in group:
                group_of[number] = len(groups)
            groups.append(group)
            group_lanes.append(lane)
    needed = [sorted({group_of[other] for number in group for other in needs[number]}) for group in groups]
    return groups, needed, group_lanes


def _levels(needs: Sequence[Sequence[int]]) -> list[int]:
    """How many others must be done, one after another, before each number."""
    if not any(needs):
        return [0] * len(needs)
    missing = list(map(len, needs))
    dependents: list[list[int]] = [[] for _ in needs]
    for number, needed in enumerate(needs):
        for other in needed:
            dependents[other].append(number)
    levels = [0] * len(needs)
    ready = [number for number, count in enumerate(missing) if not count]
    while ready:
        number = ready.pop()
        for other in dependents[number]:
            levels[other] = max(levels[other], levels[number] + 1)
            missing[other] -= 1
            if not missing[other]:
                ready.append(other)
    return levels
