"""What policies mean, before any evidence is seen: for each rule what it asks, needs and is not sure of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from msgspec import Struct

from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.demand import demand, parts
from policyengine.language.doubts import Doubts
from policyengine.language.phrases import Phrases, literal
from policyengine.language.sentences import Sentence, Sentences
from policyengine.language.summary import SOURCES
from policyengine.language.syntax import Span
from policyengine.language.types import SEVERITY

Demand = Mapping[str, tuple[str, ...]]
"""For each record that is read, its fields in order; a record that is only counted has none."""


class Value(Struct, frozen=True):
    """A parameter or constant that a rule uses. `value` is `None` for a parameter that must be given.

    `source` is `constant`, `default`, `environment`, `given` or `required`.
    """

    name: str
    type: str
    value: str | None
    source: str
    description: str = ""


class Pardon(Struct, frozen=True):
    """A waiver of a rule, as written."""

    where: Sentence
    owner: str
    reason: str
    ticket: str | None
    expires: date
    span: Span


class RuleMeaning(Struct, frozen=True):
    """A rule. `effects` are those of the environments that change it.

    `element` is what it is asked for each of, as `finding in scan.findings`, and `chosen` says which of them; both are
    empty where it is about the image. `demanded` is `require` or `forbid`; `limit` is that of `forbid more than`.
    `doubts` is what can make it undetermined.
    """

    identifier: str
    title: str
    effect: str
    effective: str
    effects: Mapping[str, str]
    span: Span
    guard: Sentence | None
    outer: str
    chosen: Sentence | None
    element: str
    demanded: str
    limit: str
    condition: Sentence | None
    excuse: Sentence | None
    waivers: tuple[Pardon, ...]
    values: tuple[Value, ...]
    demand: Demand
    doubts: tuple[str, ...]


class PolicyMeaning(Struct, frozen=True):
    """A policy: its scope, what it takes for granted, and its rules. `applies` is `None` for every image."""

    name: str
    description: str
    span: Span
    applies: Sentence | None
    exception: Sentence | None
    accepts: tuple[str, ...]
    assumed: str
    environments: tuple[str, ...]
    kinds: Mapping[str, str]
    documents: tuple[str, ...]
    demand: Demand
    rules: tuple[RuleMeaning, ...]


class Meanings:
    """Says what one policy means where these are its parameters: portable values by qualified name."""

    def __init__(
        self,
        policy: checked.Policy,
        excerpt: Callable[[Span], str] | None = None,
        environment: str | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> None:
        self.policy, self.environment, self.given = policy, environment, given or {}
        self.phrases = Phrases(policy.name, excerpt)
        self.sentences = Sentences(policy, self.phrases)
        self.doubts = Doubts(policy, self.phrases)

    def policy_meaning(self, wanted: Callable[[checked.Rule], bool] = lambda _: True) -> PolicyMeaning:
        """The policy, with those of its rules that are `wanted`."""
        policy = self.policy
        needs = ordered(policy.demand)
        return PolicyMeaning(
            policy.name, policy.description, policy.span, self._sentence(policy.applies),
            self._sentence(policy.exception), tuple(sorted(policy.accepts)),
            literal(SEVERITY, policy.assumed) if policy.assumed is not None else "",
            tuple(each.name for each in policy.environments), {kind.name: kind.artifact_type for kind in policy.kinds},
            documents(needs), needs, tuple(self.rule(rule) for rule in policy.rules if wanted(rule)),
        )  # fmt: skip

    def rule(self, rule: checked.Rule) -> RuleMeaning:
        """One rule."""
        each, forbid = rule.each, rule.forbid
        waivers = [waiver for waiver in self.policy.waivers if waiver.rule == rule.name]
        used = [rule, *waivers]
        outer = self.phrases.ranged(each.element, each.collection) if each is not None else ""
        inner = self.phrases.ranged(forbid.element, forbid.collection) if forbid is not None else ""
        return RuleMeaning(
            rule.identifier, rule.title, rule.effect, self._effect(rule, self.environment), self._effects(rule),
            rule.span, self._sentence(rule.when), outer, self._sentence(each.where if each is not None else None),
            inner, "require" if forbid is None else "forbid",
            self.phrases.of(forbid.limit) if forbid is not None and forbid.limit is not None else "",
            self._sentence(rule.require if forbid is None else forbid.where), self._sentence(rule.unless),
            tuple(self._pardon(waiver) for waiver in waivers), tuple(self._values(used)),
            ordered(demand((*used, *self._behind(used)))), self.doubts.of(*asked(rule)),
        )  # fmt: skip

    def _sentence(self, condition: Expr | None) -> Sentence | None:
        return None if condition is None else self.sentences.of(condition)

    def _pardon(self, waiver: checked.Waiver) -> Pardon:
        return Pardon(
            self.sentences.of(waiver.where), waiver.owner, waiver.reason, waiver.ticket, waiver.expires, waiver.span
        )

    # ------------------------------------------------------------------ effects

    def _effect(self, rule: checked.Rule, environment: str | None) -> str:
        own = (each.downgraded for each in self.policy.environments if each.name == environment)
        return "warn" if next(own, frozenset()) & {rule.name, "all"} else rule.effect

    def _effects(self, rule: checked.Rule) -> dict[str, str]:
        effects = {each.name: self._effect(rule, each.name) for each in self.policy.environments}
        return {name: effect for name, effect in effects.items() if effect != rule.effect}

    # ------------------------------------------------------------------ parameters and constants

    def _behind(self, roots: Iterable[Any]) -> list[Any]:
        """The functions and bindings that `roots` use, in turn."""
        named: dict[str, Any] = {function.name: function for function in self.policy.functions}
        named |= {binding.name: binding for binding in self.policy.bindings}
        found: dict[str, Any] = {}
        waiting = list(roots)
        while waiting:
            for part in parts(waiting.pop()):
                name = getattr(part, "function", "") or (part.name if isinstance(part, checked.Binding) else "")
                if name and name not in found:
                    found[name] = named[name]
                    waiting.append(named[name])
        return list(found.values())

    def _values(self, roots: list[Any]) -> Iterator[Value]:
        """The parameters and named constants that `roots` use, each once, in the order of their names."""
        used = [part for root in (*roots, *self._behind(roots)) for part in parts(root)]
        parameters = {part.name for part in used if isinstance(part, checked.Parameter)}
        yield from (self._parameter(each) for each in self.policy.parameters if each.name in parameters)
        constants = [part for part in used if isinstance(part, checked.Constant) and self.phrases.is_name(part)]
        found = {self.phrases.of(part): part for part in constants}
        for name, part in sorted(found.items()):
            yield Value(name, str(part.type), literal(part.type, part.value), "constant")

    def _parameter(self, declared: checked.ParameterDeclaration) -> Value:
        settings = next((e.settings for e in self.policy.environments if e.name == self.environment), {})
        value, source = declared.default, "required" if declared.required else "default"
        for name, values in (("environment", settings), ("given", self.given)):
            if declared.name in values:
                value, source = values[declared.name], name
        shown = None if source == "required" else literal(declared.type, value)
        return Value(self.phrases.short(declared.name), str(declared.type), shown, source, declared.description)


def asked(rule: checked.Rule) -> tuple[Expr | None, ...]:
    """What leaves a rule undetermined while it is not known: its elements and its demand, no guard and no excuse."""
    each, forbid = rule.each, rule.forbid
    outer = (each.collection, each.where) if each is not None else ()
    inner = (forbid.collection, forbid.where, forbid.limit) if forbid is not None else ()
    return (*outer, *inner, rule.require)


def ordered(needs: Mapping[str, Iterable[str]]) -> Demand:
    """A demand in the order of its names."""
    return {record: tuple(sorted(fields)) for record, fields in sorted(needs.items())}


def documents(needs: Demand) -> tuple[str, ...]:
    """The kinds of documents that a demand fetches."""
    return tuple(sorted({SOURCES.get(record, record) for record in needs} - {""}))
