"""A policy set that the interpreter decides: what its parts come to can be watched, and it needs no compiling."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from policyengine.decision.combine import combine
from policyengine.decision.model import Decision, PolicySetSummary, Subject
from policyengine.evidence.assembly import Evidence, assemble
from policyengine.language.checked import Policy
from policyengine.language.deciding import declared
from policyengine.language.interpreter import Watch, interpret
from policyengine.language.policyset import PolicySet
from policyengine.language.view import View


class Interpreted(PolicySet):
    """One policy of a set, decided from its checked tree; `policy` may differ from what the set was compiled of.

    What is gathered for it is what the compiled policy asks for, so `policy` must not ask for more. `watch` is told
    what every expression comes to.
    """

    __slots__ = ("_kinds", "_policy", "_watch")

    def __init__(self, alone: PolicySet, policy: Policy, watch: Watch | None = None) -> None:
        super().__init__((), alone.summary)
        (compiled,) = alone.summary.policies
        self._policy, self._watch, self._kinds = policy, watch, declared(compiled)

    def decide(
        self,
        evidence: Evidence,
        *,
        at: datetime,
        environment: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        subject: Subject | None = None,
    ) -> Decision:
        """The decision about one image, as `PolicySet.decide` makes it, without what became of the documents."""
        view = View(evidence.image, assemble(evidence, self._policy.accepts, self._kinds).collections, at)
        outcome = interpret(self._policy, view, parameters or {}, environment, self._watch)
        word, reasons = combine(outcome.rules, int(outcome.applies))
        image = evidence.image
        subject = subject or Subject(image.reference, image.repository, image.digest, image.media_type)
        summary = PolicySetSummary("", (self._policy.name,))
        return Decision(word, subject, at, summary, outcome.rules, outcome.waivers, reasons=reasons)
