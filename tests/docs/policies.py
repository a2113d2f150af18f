"""Blocks of policies: they compile, or say what is marked, and their tests pass."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from policyengine.language import render
from policyengine.language.diagnostics import Diagnostic
from policyengine.language.expiry import expiring
from policyengine.language.policyset import PolicySet, check, digest
from policyengine.language.source import Source
from policyengine.language.summary import Summary
from policyengine.testing.runner import INSTANT, run_tests
from policyengine.verification.trust import Trust
from tests.docs.pages import ROOT, Block

MARK = re.compile(r"[ \t]*# (error|warning) ([EW]\d{3}(?:, [EW]\d{3})*)(?:: (.*))?$")
REPEATED = re.compile(r"^([^\n]*)\n\s*# and so on, (\d+) times$", re.MULTILINE)
HEADER = "policy example\n"
RULE = 'rule example deny "an example"\n  require image is signed\n'
UNUSED = "W201"
"""What a fragment declares need not be used in it."""

SHOWN = 20
"""Diagnostics that are shown where something is wrong."""


@dataclass(frozen=True, slots=True)
class Case:
    """What one policy set of the documentation must say of itself: `marks` are path, line, code, words."""

    sources: list[Source]
    marks: list[tuple[str, int, str, tuple[str, ...]]]
    fragment: bool = False


def case(group: Sequence[Block]) -> Case:
    """The case that the blocks of one policy set are, of which most sets have one."""
    sources, marks = [], []
    for block in group:
        path = str(ROOT / called(block))
        text = REPEATED.sub(lambda found: "\n".join([found[1]] * (int(found[2]) + 1)), wrapped(block))
        lines = text.split("\n")
        for index, line in enumerate(lines):
            if found := MARK.search(line):
                words = tuple(word.strip() for word in (found[3] or "").split("|") if word.strip())
                marks += [(path, index + 1, code, words) for code in found[2].split(", ")]
                lines[index] = line[: found.start()]
        sources.append(Source(path, "\n".join(lines)))
    return Case(sources, marks, fragment=group[0].info == "policy fragment" or "conditions" in group[0].info)


def called(block: Block) -> str:
    """The file that a block would be: relative paths in it begin at the top of the checkout."""
    header = re.search(r"^(policy|library|tests for|waivers for) ([\w-]+)", block.text, re.MULTILINE)
    if header is None:
        return "example.policy"
    word = header[1].partition(" for")[0]
    return f"{header[2]}.policy" if word in ("policy", "library") else f"{header[2]}-{word}.policy"


def wrapped(block: Block) -> str:
    """The text of a block as a whole file."""
    if block.info == "policy fragment":
        rule = "" if re.search(r"^\s*rule\s", block.text, re.MULTILINE) else RULE
        return f"{HEADER}{block.text}{rule}"
    if block.info.startswith("policy conditions "):
        element = block.info.split()[-1]
        demand = "require" if element == "image" else f"forbid {element} where"
        lines = [line for line in block.text.splitlines() if line.strip()]
        rules = (f'rule r{number} deny "an example" {demand} {line}' for number, line in enumerate(lines))
        return HEADER + "\n".join(rules) + "\n"
    return block.text


def complaints(subject: Case) -> list[str]:
    """What the documentation says of the policies and is not so."""
    program, found = check(subject.sources)
    waivers = (waiver for policy in program.policies for waiver in policy.waivers)
    found = (*found, *expiring(waivers, INSTANT))
    problems = _diagnostics(subject, found)
    if problems or any(diagnostic.severity == "error" for diagnostic in found):
        return problems
    summary = Summary.of(program, found, digest(subject.sources))
    outcomes = run_tests(PolicySet(subject.sources, summary, program), trust=_trust(subject))
    return [f"{outcome.test.name}: {outcome.reason}" for outcome in outcomes if not outcome.passed]


def said(subject: Case) -> str:
    """What `policyengine check` prints for the policies, below their place in the checkout."""
    return render.text(check(subject.sources)[1], subject.sources).replace(f"{ROOT}/", "")


def _diagnostics(subject: Case, found: Sequence[Diagnostic]) -> list[str]:
    marked = Counter((path, line, code) for path, line, code, _ in subject.marks)
    seen = Counter((each.span.path, each.span.line, each.code) for each in found)
    if subject.fragment:
        seen = Counter({key: count for key, count in seen.items() if key[2] != UNUSED or key in marked})
    problems = [f"line {line}: {code} is marked and not found" for _, line, code in (marked - seen)]
    problems += [f"line {line}: {code} is not marked" for _, line, code in (seen - marked)]
    for path, line, code, words in subject.marks:
        here = (path, line, code)
        text = " ".join(_whole(each) for each in found if (each.span.path, each.span.line, each.code) == here)
        problems += [f"line {line}: {code} does not say `{word}`" for word in words if word.lower() not in text.lower()]
    if problems:
        problems.append(render.text(found[:SHOWN], subject.sources))
    return problems


def _whole(diagnostic: Diagnostic) -> str:
    parts = (diagnostic.message, *diagnostic.notes, diagnostic.help or "", diagnostic.suggestion or "")
    return " ".join(parts)


def _trust(subject: Case) -> Trust | None:
    """The trust of the embedded example, for tests of its layout."""
    if not any("given layout" in source.text for source in subject.sources):
        return None
    folder = ROOT / "examples/order-api/notation"
    return Trust.for_evaluation(folder / "trustpolicy.json", folder / "truststore")
