"""Why an image is decided about as it is: the decision made once more, and what it saw explained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from policyengine.cli import replay
from policyengine.cli.asking import Options
from policyengine.cli.evaluation import EXIT, asked, decided, terms
from policyengine.cli.explanations import Explanation, ImageExplanation
from policyengine.cli.images import Image
from policyengine.cli.instants import moment
from policyengine.cli.selecting import Arguments, Chosen, chosen
from policyengine.cli.terminal import Terminal
from policyengine.decision.combine import worst
from policyengine.decision.model import Decision, Subject
from policyengine.engine import Terms
from policyengine.errors import UsageError
from policyengine.evidence.assembly import Evidence, assemble
from policyengine.language.deciding import declared
from policyengine.language.explaining import Explaining, PolicyExplanation
from policyengine.language.policyset import PolicySet, shipped
from policyengine.language.view import View
from policyengine.testing.excerpts import Excerpts

SHOWN = 3
"""Violations of a rule that are explained unless all are asked for: a tree each is long."""

DIFFERENT = 1


class Observation(Struct, frozen=True):
    """What was known of one image when the policies decided."""

    subject: Subject | None
    evidence: Evidence


class Observed(PolicySet):
    """A policy set that keeps what it decides about."""

    __slots__ = ("seen",)

    def __init__(self, policies: PolicySet) -> None:
        super().__init__(policies.sources, policies.summary, policies.program)
        self.seen: list[Observation] = []

    def decide(
        self,
        evidence: Evidence,
        *,
        at: datetime,
        environment: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        subject: Subject | None = None,
    ) -> Decision:
        """The decision about one image, as `PolicySet.decide` makes it."""
        self.seen.append(Observation(subject, evidence))
        return super().decide(evidence, at=at, environment=environment, parameters=parameters, subject=subject)


class Question(Struct, frozen=True):
    """What is asked: on which terms to decide, which rules to explain and how fully, and what was decided before."""

    options: Options
    by: Terms
    wanted: Chosen
    whole: bool
    before: replay.Report | None


def explained(
    terminal: Terminal, options: Options, arguments: Arguments, file: str | None
) -> tuple[int, list[Explanation]]:
    """Decide about each image, and explain; the exit code says the worst, and whether it is as in `file`."""
    before = replay.read(file) if file is not None else None
    options, references = _as_before(options, arguments.references, before)
    images = asked(options, references)
    by = terms(terminal, options, arguments.paths, moment(options.at))
    question = Question(options, by, chosen(by.policies, arguments.rules), bool(arguments.rules), before)
    found = [_explanation(terminal, image, question) for image in images]
    code = EXIT[worst(explanation.decision.decision for explanation in found)]
    return (code or DIFFERENT if any(each.differences for each in found) else code), found


def _as_before(
    options: Options, references: Sequence[str], before: Mapping[str, Any] | None
) -> tuple[Options, Sequence[str]]:
    """The image, repository, instant and environment of an earlier decision, where the command line names no others."""
    if before is None:
        return options, references
    if len(references) > 1:
        raise UsageError("a decision is about one image", "name one image, or none")
    if not references and (options.oci_layout or not before["subject"]["repository"]):
        raise UsageError("the decision is about an image of a layout", "name it: --oci-layout PATH@sha256:…")
    earlier = replace(
        options,
        at=options.at or before["at"],
        environment=options.environment or before["policySet"].get("environment"),
        repository=options.repository or (before["subject"]["repository"] or None if options.oci_layout else None),
    )
    return earlier, references or (_pinned(before),)


def _pinned(before: Mapping[str, Any]) -> str:
    subject = before["subject"]
    return f"{subject['repository']}@{subject['digest']}" if subject["digest"] else str(subject["reference"])


def _explanation(terminal: Terminal, image: Image, question: Question) -> Explanation:
    """The decision about one image, with what every observation of it comes to."""
    policies = Observed(question.by.policies)
    decision = decided(terminal, image, replace(question.by, policies=policies), question.options.fail_on)
    names = {platform.digest: platform.platform for platform in decision.platforms}
    images = []
    for each in policies.seen:
        digest = each.subject.digest if each.subject is not None else each.evidence.image.digest
        images.append(ImageExplanation(digest, names.get(digest), tuple(_policies(policies, each.evidence, question))))
    changes = replay.differences(question.before, decision) if question.before is not None else None
    return Explanation(decision, tuple(images), question.whole, changes)


def _policies(policies: PolicySet, evidence: Evidence, question: Question) -> Iterator[PolicyExplanation]:
    """What each policy says that has one of the rules that were asked for."""
    excerpts, by = Excerpts((*policies.sources, *shipped())), question.by
    limit = None if question.options.everything else SHOWN
    for policy, summary in zip(policies.program.policies, policies.summary.policies, strict=True):
        if any(map(question.wanted, policy.rules)):
            collections = assemble(evidence, summary.accepts, declared(summary)).collections
            view = View(evidence.image, collections, by.at)
            explaining = Explaining(policy, view, by.parameters, by.environment, excerpts.text)
            yield explaining.policy_explanation(question.wanted, limit)
