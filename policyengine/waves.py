"""Waves: what is to be fetched at one depth goes out together, for one image and for several alike."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeAlias, TypeVar

from policyengine.errors import PolicyEngineError
from policyengine.registry.store import Store

T = TypeVar("T")
Call: TypeAlias = Callable[[], Any]
Waves: TypeAlias = Generator[Sequence[Call], list[Any], T]
"""Something that is gathered wave by wave: it says what each calls, is sent the results, and returns what it made."""


def wave(store: Store, calls: Sequence[Call]) -> list[Any]:
    """The results of `calls`, made at once; an error of this package is the result of its call."""
    return store.each(lambda call: call(), calls)


def together(store: Store, gatherings: Sequence[Waves[T]]) -> list[T | PolicyEngineError]:
    """What becomes of several gatherings, all of whose calls of one depth are one wave; an error stops its own only."""
    results: dict[int, T | PolicyEngineError] = {}
    waiting: dict[int, Sequence[Call]] = {}

    def go_on(number: int, answers: list[Any] | None) -> None:
        try:
            waiting[number] = gatherings[number].send(answers)  # type: ignore[arg-type] # the first time it takes none
        except StopIteration as done:
            results[number] = done.value
        except PolicyEngineError as error:
            results[number] = error

    for number in range(len(gatherings)):
        go_on(number, None)
    while waiting:
        calls, waiting = waiting, {}
        answers = iter(wave(store, [call for own in calls.values() for call in own]))
        for number, own in calls.items():
            go_on(number, [next(answers) for _ in own])
    return [results[number] for number in range(len(gatherings))]
