"""From what fires to what is reported: violations, waivers, counts and messages (language reference, sections 4 and 7).

Compiled policies and the interpreter both end here. They say for each rule what was `Found`, and answer the questions
of a `Run` about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC
from typing import Any, Protocol

from msgspec import Struct

from policyengine.decision.combine import status
from policyengine.decision.model import RuleResult, Violation, WaiverResult
from policyengine.evidence.model import Collection, Gap
from policyengine.language import runtime
from policyengine.language.facts import Facts, RuleFacts, WaiverFacts
from policyengine.language.printing import one, short
from policyengine.language.unknown import Unknown, because, merged, unseen
from policyengine.language.view import View

# ---------------------------------------------------------------------------- what fires


class Frame(Struct):
    """What one selection of a rule found.

    Of the items of `collection`, `hits` are those that fire, each with whether that is definite. `element` is the
    element of `for each` that the selection belongs to (at `position`, itself in doubt unless `definite`). `excused`
    says that an `unless` speaks for all elements, seen or not. `limit` is that of `forbid more than`.
    """

    collection: Collection[Any]
    hits: list[tuple[Any, bool]]
    excused: bool = False
    element: Any = None
    definite: bool = True
    position: int = 0
    limit: int | None = None


class Found(Struct):
    """What a rule found: its frames, and the collection of `for each` where the frames are its elements."""

    frames: list[Frame]
    outer: Collection[Any] = runtime.NO_ELEMENTS
    excused: bool = False


def whole(fires: bool | None, excused: bool) -> Found:
    """What a rule without elements found: whether what it demands is broken."""
    if fires is False or excused:
        return Found([Frame(runtime.NO_ELEMENTS, [], True)])
    return Found([Frame(runtime.NO_ELEMENTS, [(None, fires is True)])])


class Run(Protocol):
    """The rules of one policy in front of one image: what can be asked about what they found."""

    def found(self, rule: int) -> Found | None:
        """What the rule found; `None` where it does not apply."""

    def covers(self, waiver: int, element: Any) -> bool:
        """Whether the waiver's condition definitely holds for an element."""

    def message(self, rule: int, each: Any, element: Any, count: str) -> str:
        """The rule's message for an element."""

    def help(self, rule: int, each: Any, element: Any, count: str) -> str:
        """The rule's help for an element."""

    def doubt(self, rule: int, each: Any, element: Any) -> Unknown:
        """What is not known of an element that fires and is in doubt."""

    def frame_doubt(self, rule: int, each: Any) -> Unknown:
        """What is not known of an element of `for each`, in a rule that counts."""

    def limit_doubt(self, rule: int, each: Any) -> Unknown:
        """Why the limit of a rule that counts is not known."""


class Case(Struct):
    """One element that fires, and the waiver that covers it, if any."""

    key: tuple[int, int]
    each: Any
    element: Any
    definite: bool
    waiver: int | None = None

    @property
    def rank(self) -> int:
        """Which of several cases of one finding counts: what is certain, then what is in doubt, then what is waived."""
        return 2 if self.waiver is not None else 0 if self.definite else 1


# ---------------------------------------------------------------------------- results


class Outcome(Struct, frozen=True):
    """What one policy says of one image. A violation's `waiver` is an index into `waivers`."""

    applies: bool
    rules: tuple[RuleResult, ...] = ()
    waivers: tuple[WaiverResult, ...] = ()


Heard = Callable[[Case, Violation, str], None]
"""Is told which case a violation reports, and the count of one that counts: explanations look at them."""


def conclude(
    facts: Facts, run: Run, view: View, environment: str | None, *, guarded: bool = False, heard: Heard | None = None
) -> Outcome:
    """The results of all rules and waivers. Where `guarded`, a rule that raises is undetermined; else it raises on."""
    active = _active(facts.waivers, view)
    docket = _Docket(facts, run, active, heard)
    downgraded = facts.environment(environment).downgraded
    judge = docket.guarded if guarded else docket.judge
    rules = tuple(_result(rule, judge(index), downgraded) for index, rule in enumerate(facts.rules))
    waivers = tuple(_waiver(waiver, index in active, docket.used[index]) for index, waiver in enumerate(facts.waivers))
    return Outcome(True, rules, waivers)


def _active(waivers: Sequence[WaiverFacts], view: View) -> frozenset[int]:
    """The waivers that still hold: they last to the end of their day in UTC."""
    today = view.at.astimezone(UTC).date()
    return frozenset(index for index, waiver in enumerate(waivers) if today <= waiver.expires)


def _result(rule: RuleFacts, found: tuple[Violation, ...] | None, downgraded: frozenset[str]) -> RuleResult:
    effective = "warn" if rule.name in downgraded or "all" in downgraded else rule.effect
    state = "not-applicable" if found is None else status(found)
    return RuleResult(
        rule.identifier, rule.effect, effective, rule.title, state, found or (), rule.path, rule.line, rule.help
    )


def _waiver(waiver: WaiverFacts, active: bool, covered: int) -> WaiverResult:
    state = "expired" if not active else "used" if covered else "unused"
    return WaiverResult(
        waiver.rule,
        waiver.owner,
        waiver.reason,
        waiver.ticket,
        waiver.expires,
        state,
        covered,
        waiver.path,
        waiver.line,
    )


class _Docket:
    """Judges the rules of one run, and counts what the waivers cover."""

    def __init__(self, facts: Facts, run: Run, active: frozenset[int], heard: Heard | None) -> None:
        self.facts, self.run, self.active, self.heard = facts, run, active, heard
        self.used = [0] * len(facts.waivers)

    def guarded(self, index: int) -> tuple[Violation, ...] | None:
        """The rule's violations; one that cannot be evaluated is undetermined, never passed."""
        used = list(self.used)
        try:
            return self.judge(index)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong must end in a denial
            self.used = used
            missing = short(f"the rule could not be evaluated: {type(error).__name__}: {error}")
            return (Violation(self.facts.rules[index].title, None, "undetermined", missing),)

    def judge(self, index: int) -> tuple[Violation, ...] | None:
        """The rule's violations in the order of the evidence; `None` where it does not apply."""
        found = self.run.found(index)
        if found is None:
            return None
        rule = self.facts.rules[index]
        violations = self._counts(index, rule, found) if rule.counted else self._elements(index, rule, found)
        if not found.excused:
            violations += [_unseen(rule, gap) for gap in found.outer.gaps]
        return tuple(violations)

    # ------------------------------------------------------------------ one violation for each element

    def _elements(self, index: int, rule: RuleFacts, found: Found) -> list[Violation]:
        groups = _groups(found.outer)
        cases = [case for frame in found.frames for case in self._cases(rule, frame, groups)]
        violations = [self._violation(index, rule, case) for case in self._distinct(cases)]
        gaps = [gap for frame in found.frames if not frame.excused for gap in frame.collection.gaps]
        return violations + [_unseen(rule, gap) for gap in gaps]

    def _cases(self, rule: RuleFacts, frame: Frame, groups: Sequence[int]) -> Iterable[Case]:
        """The elements of one frame that fire, each with its group and its waiver."""
        outer = groups[frame.position] if groups else frame.position
        waivers = [waiver for waiver in rule.waivers if waiver in self.active]
        for inner, (element, definite) in zip(_hit_groups(frame), frame.hits, strict=True):
            certain = definite and (frame.definite or rule.counted)
            waiver = self._covering(waivers, element) if certain and waivers else None
            yield Case((outer, inner), frame.element, element, certain, waiver)

    def _covering(self, waivers: Sequence[int], element: Any) -> int | None:
        return next((waiver for waiver in waivers if self.run.covers(waiver, element)), None)

    def _distinct(self, cases: Iterable[Case]) -> list[Case]:
        """One case for each finding however often it is repeated; the waivers that cover one are used."""
        kept: dict[tuple[int, int], Case] = {}
        for case in cases:
            other = kept.get(case.key)
            if other is None or case.rank < other.rank:
                kept[case.key] = case
        for case in kept.values():
            if case.waiver is not None:
                self.used[case.waiver] += 1
        return list(kept.values())

    def _violation(self, index: int, rule: RuleFacts, case: Case) -> Violation:
        element = _element(rule.element, case.element)
        doubt = None if case.definite else self.run.doubt(index, case.each, case.element)
        return self._report(index, rule, case, element, doubt, "", case.waiver)

    # ------------------------------------------------------------------ one violation for too many

    def _counts(self, index: int, rule: RuleFacts, found: Found) -> list[Violation]:
        groups = _groups(found.outer)
        kept: dict[int, Violation] = {}
        for frame in found.frames:
            violation = self._count(index, rule, frame)
            key = groups[frame.position] if groups else frame.position
            if violation is not None and (key not in kept or _settles(violation, kept[key])):
                kept[key] = violation
        return list(kept.values())

    def _count(self, index: int, rule: RuleFacts, frame: Frame) -> Violation | None:
        """The violation of a frame that holds more than its limit, or may do so."""
        if frame.excused:
            return None
        cases = [case for case in self._distinct(self._cases(rule, frame, ())) if case.waiver is None]
        low = sum(case.definite for case in cases)
        high = len(cases) + runtime.unseen(frame.collection)
        if frame.limit is not None and high <= frame.limit:
            return None
        count = _span(low, high)
        doubts = [] if frame.definite else [self.run.frame_doubt(index, frame.element)]
        if frame.limit is None:
            doubts.append(self.run.limit_doubt(index, frame.element))
        elif low <= frame.limit:
            doubts += [because(count), *self._uncounted(index, frame, cases)]
        case = Case((0, 0), frame.element, None, not doubts)
        element = _element(rule.outer, frame.element)
        return self._report(index, rule, case, element, merged(doubts) if doubts else None, count, None)

    def _uncounted(self, index: int, frame: Frame, cases: Iterable[Case]) -> list[Unknown]:
        """Why the number is not certain: the gaps, and the elements that may count or not."""
        return unseen(frame.collection.gaps) + [
            self.run.doubt(index, case.each, case.element) for case in cases if not case.definite
        ]

    # ------------------------------------------------------------------ words

    def _report(
        self, index: int, rule: RuleFacts, case: Case, element: str | None, doubt: Unknown | None, count: str,
        waiver: int | None,
    ) -> Violation:  # fmt: skip
        if rule.speaks:
            message = self.run.message(index, case.each, case.element, count)
        else:
            message = rule.title if element is None else f"{rule.title}: {element}"
        advice = self.run.help(index, case.each, case.element, count) if rule.advises else None
        digests = tuple(dict.fromkeys((*runtime.sources(case.element), *runtime.sources(case.each))))
        found = Violation(message, element, "violated", None, digests, waiver, help=advice)
        if doubt is not None:
            found = Violation(
                message, element, "undetermined", str(doubt), digests, None, doubt.outside, doubt.retry, advice
            )
        if self.heard is not None:
            self.heard(case, found, count)
        return found


def _element(type_: str, element: Any) -> str | None:
    """How a report names an element; a rule about the image as a whole has none."""
    return None if element is None else one(type_, element)


def _unseen(rule: RuleFacts, gap: Gap) -> Violation:
    """The violation for what should be there and is not known."""
    message = f"{rule.title}: {gap.reason}"
    return Violation(message, None, "undetermined", gap.reason, outside=gap.outside, retry=gap.outside and gap.retry)


def _settles(one_: Violation, other: Violation) -> bool:
    return one_.state == "violated" and other.state != "violated"


def _span(low: int, high: float) -> str:
    """A count in words: the number, or between which ones it lies."""
    if low == high:
        return str(low)
    return f"at least {low}" if high == runtime.UNBOUNDED else f"{low} to {high:.0f}"


def _groups(collection: Collection[Any]) -> Sequence[int]:
    return collection.repeated


def _hit_groups(frame: Frame) -> Iterable[int]:
    """For each hit the group of its item: hits are in the order of the items, and each is one of them."""
    if not frame.collection.repeated:
        return range(len(frame.hits))
    found = []
    position = -1
    for element, _ in frame.hits:
        position += 1
        while frame.collection.items[position] is not element:
            position += 1
        found.append(frame.collection.repeated[position])
    return found
