"""Decides whether a container image may pass, from its signatures, scans and SBOMs.

    from policyengine import PolicySet, Registry, Trust, evaluate

    decision = evaluate(reference, PolicySet.load("policies/"), trust=Trust.load(), registry=Registry(), at=instant)
    decision.allowed, decision.violations

`evaluate` talks to a registry or reads a layout; `decide` is pure. Everything else may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from policyengine.decision.model import Decision
    from policyengine.engine import evaluate
    from policyengine.errors import PolicyEngineError
    from policyengine.evidence.assembly import Evidence
    from policyengine.language.policyset import PolicySet, decide
    from policyengine.registry.client import Registry
    from policyengine.registry.layout import Layout
    from policyengine.verification.trust import Trust

__all__ = [
    "Decision",
    "Evidence",
    "Layout",
    "PolicyEngineError",
    "PolicySet",
    "Registry",
    "Trust",
    "decide",
    "evaluate",
]

_HOMES = {
    "Decision": "decision.model",
    "Evidence": "evidence.assembly",
    "Layout": "registry.layout",
    "PolicyEngineError": "errors",
    "PolicySet": "language.policyset",
    "Registry": "registry.client",
    "Trust": "verification.trust",
    "decide": "language.policyset",
    "evaluate": "engine",
}


def __getattr__(name: str) -> Any:
    """The public names, imported when they are first asked for: `import policyengine` alone costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
