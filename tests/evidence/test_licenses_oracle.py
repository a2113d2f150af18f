"""Our reading of expressions against `license_expression`, where that answers rightly: docs/adr/0002."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.evidence.licenselist import licenses
from policyengine.evidence.licenses import license_set, parse

IDS = ["MIT", "ISC", "Apache-2.0", "GPL-3.0-only", "BSD-3-Clause", "GPL-2.0-only WITH Classpath-exception-2.0"]
EXPRESSIONS = st.recursive(
    st.sampled_from(IDS),
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["AND", "OR"]), inner),
    max_leaves=8,
)


def holds(node: Any, allowed: list[str]) -> bool:
    """Whether the library's tree is permitted: its own reading of precedence and parentheses, our definition."""
    if node.__class__.__name__ in ("AND", "OR"):
        answers = [holds(part, allowed) for part in node.args]
        return all(answers) if node.__class__.__name__ == "AND" else any(answers)
    return str(node) in allowed


def test_precedence_and_parentheses_are_read_alike() -> None:
    library = pytest.importorskip("license_expression").get_spdx_licensing()

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(EXPRESSIONS, min_size=1, max_size=4),
        st.lists(st.sampled_from(["AND", "OR"]), min_size=3, max_size=3),
        st.lists(st.sampled_from(IDS), min_size=1, max_size=4),
    )
    def agrees(parts: list[str], operators: list[str], allowed: list[str]) -> None:
        text = parts[0] + "".join(f" {sign} {part}" for sign, part in zip(operators, parts[1:], strict=False))
        assert license_set(allowed).permits[text] is holds(library.parse(text), allowed)

    agrees()


def test_the_library_knows_no_current_id_that_we_do_not() -> None:
    module = pytest.importorskip("packaging.licenses._spdx")
    known = {identifier for identifier in module.LICENSES if not identifier.endswith("+")}
    assert known <= set(licenses())
    assert all(parse(identifier) is not None for identifier in module.LICENSES)
