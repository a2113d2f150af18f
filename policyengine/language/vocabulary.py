"""The names that generated code may use: nothing else of Python is in its reach but a handful of builtins."""

from __future__ import annotations

from typing import Any

from policyengine.evidence.licenses import parse
from policyengine.evidence.vexes import Statements, covers
from policyengine.language.evaluation import Found, Frame, whole
from policyengine.language.printing import printed, severity
from policyengine.language.runtime import (
    arithmetic,
    choose,
    conjunction,
    constant,
    contains,
    disjunction,
    elements,
    exactly,
    fewest,
    field,
    matcher,
    members,
    most,
    same,
    signed,
    status,
    within,
)
from policyengine.language.types import Type

BUILTINS = {"bool": bool, "enumerate": enumerate, "frozenset": frozenset}
VOCABULARY: dict[str, Any] = {
    "__builtins__": BUILTINS, "Found": Found, "Frame": Frame, "Statements": Statements, "Type": Type,
    "arithmetic": arithmetic, "choose": choose, "conjunction": conjunction, "constant": constant,
    "contains": contains, "covers": covers, "disjunction": disjunction, "elements": elements, "exactly": exactly,
    "fewest": fewest, "field": field, "matcher": matcher, "members": members, "most": most, "parse": parse,
    "printed": printed, "same": same, "severity": severity, "signed": signed, "status": status, "whole": whole,
    "within": within,
}  # fmt: skip
