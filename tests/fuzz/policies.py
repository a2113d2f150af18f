"""Policies by chance: no traceback, no hang, one canonical form that means the same, and one meaning.

Some are derived from the grammar: they have the syntax of the language and hardly any meaning. The rest are good
policies whose words or bytes were exchanged, of which some still compile. Those are evaluated, by what the compiler
makes of them and by the interpreter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from msgspec.structs import replace

from policyengine.errors import UsageError
from policyengine.evidence.model import Collection, Severity
from policyengine.language import checked, formatter, policyset
from policyengine.language.compiler import compile_policy
from policyengine.language.interpreter import interpret
from policyengine.language.parser import parse
from policyengine.language.source import Source
from policyengine.language.view import View
from policyengine.language.words import words
from tests.fuzz.mutation import damaged, rearranged
from tests.language import samples
from tests.language.generate import policy, soup
from tests.language.trees import bare

CASES = 120

ROOT = Path(__file__).resolve().parents[2]
GOOD = ("policies/*/*.policy", "examples/*/policies/*.policy", "tests/language/cases/syntax/ok/*.policy")
LONGEST = 20_000
"""Characters of a good policy that is damaged."""


@cache
def good() -> tuple[str, ...]:
    """Texts of policies that are right."""
    found = [path.read_text("utf-8") for pattern in GOOD for path in sorted(ROOT.glob(pattern))]
    return tuple(text for text in found if len(text) <= LONGEST)


@cache
def vocabulary() -> tuple[str, ...]:
    """Every word of the good policies."""
    return tuple(sorted({word for text in good() for word in spelt(text)}))


@cache
def spelt(text: str) -> tuple[str, ...]:
    """The words of a text that is right."""
    return tuple(word.text for word in words(Source("p.policy", text)) if word.text)


def make_input(random: Random) -> str:
    """A text that may be a policy."""
    match random.randrange(8):
        case 0:
            return soup(random, random.randint(1, 60))
        case 1 | 2 | 3:
            return policy(random, random.randint(5, 120))
        case 4:
            return damaged(random, random.choice(good()).encode()).decode("utf-8", "replace")
        case _:
            return " ".join(rearranged(random, spelt(random.choice(good())), vocabulary()))


def check(text: str) -> None:
    """Whatever can be read has a form, and whatever compiles has one meaning."""
    source = Source("p.policy", text)
    file, problems = parse(source)
    if file is not None and not problems:
        once = formatter.format(source)
        formed = Source("p.policy", once)
        again, none = parse(formed)
        assert none == ()
        assert bare(again) == bare(file)
        assert formatter.format(formed) == once
    program, found = policyset.check([source])
    assert all(each.message and each.span.line >= 1 and each.span.column >= 1 for each in found)
    if not any(each.severity == "error" for each in found):
        for each in program.policies:
            agreed(each)


def agreed(subject: checked.Policy) -> None:
    """What the compiler makes of a policy says what the interpreter says."""
    compiled = compile_policy(subject)
    for environment in (None, *(each.name for each in subject.environments)):
        for view in views():
            try:
                evaluator = compiled.bind({}, environment)
            except UsageError:  # a parameter without a value
                continue
            assert evaluator._evaluate(view) == interpret(subject, view, {}, environment)


def views() -> Sequence[View]:
    """Nothing, evidence of which half is missing, and evidence that has everything."""
    day = samples.DAY
    whole: dict[str, Any] = {
        "findings": [
            samples.finding(severity=Severity.CRITICAL, age=30 * day, fix="1.2.3", package=samples.package()),
            samples.finding("CVE-2021-44228", "GHSA-2222-3333-4444", severity=Severity.LOW, age=day),
        ],
        "packages": [samples.package(license="MIT"), samples.package("b", license="AGPL-3.0-only")],
        "scans": [samples.scan(finished=samples.AT - timedelta(hours=1))],
        "sboms": [],
        "vexes": [samples.vex()],
        "provenances": [],
    }
    parts: dict[str, Any] = {
        "findings": [samples.finding(severity=None)],
        "packages": [samples.package(version=None, purl=None)],
    }
    signed = replace(samples.view().image, signatures=Collection((samples.signature(),)))
    return samples.view(), samples.view(**parts), samples.view(image=signed, **whole)
