import re
import subprocess
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.decision.model import Decision, Reason
from policyengine.reports.formats import Report
from policyengine.reports.formats import render as rendered
from policyengine.reports.look import Look, columns
from tests.reports.agents import HOSTILE, azure_commands, github_commands, steering
from tests.reports.decisions import ALLOW, CASES, DENY, ERROR, INDEX, THOUSAND, UNDETERMINED, decision
from tests.reports.golden import agrees


def render(decisions: Sequence[Decision], look: Look) -> str:
    return rendered("table", Report(tuple(decisions), look))


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    assert agrees(f"table/{name}.txt", render(CASES[name], Look(width=100)))


@pytest.mark.parametrize(
    ("name", "look"),
    [
        ("colour", Look(width=100, colour=True)),
        ("ascii", Look(width=100, unicode=False)),
        ("narrow", Look(width=50)),
        ("instant", Look(instant=True)),
        ("verbose", Look(verbose=True)),
        ("quiet", Look(quiet=True)),
    ],
)
def test_golden_looks(name: str, look: Look) -> None:
    assert agrees(f"table/look-{name}.txt", render((DENY, UNDETERMINED), look))


def test_the_verdict_is_the_first_thing_said() -> None:
    first = {name: render(case, Look()).splitlines()[0] for name, case in CASES.items() if name != "hostile"}
    assert first["allow"].startswith("✓ ALLOW  registry.example.com/prod/order-api:1.4@sha256:34cd")
    assert first["deny"].startswith("✗ DENY  ")
    assert first["error"].startswith("! COULD NOT DECIDE  ")


def test_only_an_allow_says_allow() -> None:
    for name, case in CASES.items():
        if name not in ("hostile", "several"):
            assert ("ALLOW" in render(case, Look())) == case[0].allowed


def test_no_text_from_outside_steers_terminal_or_agent() -> None:
    for look in (Look(), Look(width=60, colour=True), Look(unicode=False, everything=True, verbose=True)):
        shown = render(CASES["hostile"], look)
        assert steering(shown) == []
        assert azure_commands(shown) == []
        assert github_commands(shown) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(HOSTILE) | st.text(max_size=20), min_size=1, max_size=4), st.integers(0, 100))
def test_wherever_a_line_breaks_no_order_comes_out(texts: list[str], width: int) -> None:
    shown = render([decision("deny", reasons=tuple(Reason("x", text) for text in texts))], Look(width=width))
    assert steering(shown) == []
    assert azure_commands(shown) == []
    assert github_commands(shown) == []


def test_lines_fit_the_width() -> None:
    for width in (50, 60, 80, 120):
        for line in render((DENY, INDEX, UNDETERMINED), Look(width=width)).splitlines():
            assert columns(line) <= width or "sha256:" in line


def test_a_log_is_not_wrapped() -> None:
    words = "word " * 100
    assert words.strip() in render([decision("deny", reasons=(Reason("x", words.strip()),))], Look())


def test_a_thousand_findings_are_a_handful_of_lines_unless_all_are_asked_for() -> None:
    assert len(render([THOUSAND], Look()).splitlines()) < 20
    assert "and 995 more" in render([THOUSAND], Look())
    assert "CVE-2024-0999" in render([THOUSAND], Look(everything=True))


def test_a_huge_text_does_not_flood_the_log() -> None:
    shown = render([decision("deny", reasons=(Reason("x", "A" * 1_000_000),))], Look())
    assert len(shown) < 5_000
    assert "…" in shown


def test_what_could_not_be_had_says_whether_to_try_again() -> None:
    assert "registry.example.com does not answer; trying again may help" in render([ERROR], Look())


def test_colours_are_the_only_difference_they_make() -> None:
    painted = render((DENY, ALLOW), Look(width=80, colour=True))
    assert "\x1b[1;31mDENY\x1b[0m" in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == render((DENY, ALLOW), Look(width=80))


def test_ascii_says_it_all() -> None:
    assert render(
        tuple(case for name, cases in CASES.items() if name != "hostile" for case in cases), Look(unicode=False)
    ).isascii()


def test_wide_letters_keep_the_columns() -> None:
    assert columns("漢字") == 4
    assert columns("e\u0301") == 1


def test_reports_do_without_heavy_libraries() -> None:
    code = "import policyengine.reports.table, sys; print({'rich', 'click', 'lark', 'dataclasses'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
