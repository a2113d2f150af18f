"""Which decisions change with other policies, over the same evidence."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.cli.example import CLEAN, TRUST, VULNERABLE
from tests.cli.served import example, trusting
from tests.command import Finished, policyengine
from tests.example import AT, POLICIES, REPOSITORY
from tests.simulator.registry import Fault, Simulator

LAYOUT = ("--oci-layout", "--repository", REPOSITORY, "--at", AT, *TRUST)
TEXT = (POLICIES / "order-api.policy").read_text().partition("\ntest ")[0]


def policy(folder: Path, old: str = "", new: str = "", text: str = TEXT) -> Path:
    """The example's policy in `folder`, with a part of it replaced."""
    assert old in text
    folder.mkdir(exist_ok=True)
    (folder / "order-api.policy").write_text(text.replace(old, new))
    return folder


@pytest.fixture
def today(tmp_path: Path) -> Path:
    return policy(tmp_path / "today")


@pytest.fixture
def milder(tmp_path: Path) -> Path:
    return policy(tmp_path / "milder", 'no-critical deny "no', 'no-critical warn "no')


def compare(*arguments: object, **environment: str) -> Finished:
    return policyengine("compare", *LAYOUT, *arguments, timeout=60, cwd=None, **environment)


def test_the_same_policies_change_nothing(today: Path) -> None:
    ran = compare(CLEAN, VULNERABLE, "--policies", today, "--with", today)
    assert (ran.code, ran.out, ran.err) == (0, "2 images: 2 decided as before\n", "")


def test_a_milder_effect_allows_what_was_denied(today: Path, milder: Path) -> None:
    ran = compare(CLEAN, VULNERABLE, "--policies", today, "--with", milder)
    assert ran.code == 1
    assert "✓ DENY → ALLOW  registry.example.com/prod/order-api:vulnerable@sha256:f08f2a83" in ran.out
    assert "order-api.no-critical  violated (deny, 3 violations) → violated (warn, 3 violations)" in ran.out
    assert ran.out.endswith("2 images: 1 DENY → ALLOW; 1 decided as before\n")
    assert "order-api:clean" not in ran.out


def test_violations_that_come_and_go(tmp_path: Path, today: Path) -> None:
    stricter = policy(tmp_path / "stricter", "finding.severity >= CRITICAL and", "finding.severity >= HIGH and")
    ran = compare(VULNERABLE, "--policies", today, "--with", stricter)
    assert ran.code == 1
    assert "✗ DENY  registry.example.com" in ran.out
    assert "+ CVE-" in ran.out
    assert "1 decided as before, 1 of them by other rules" in ran.out
    back = compare(VULNERABLE, "--policies", stricter, "--with", today)
    assert back.out.count("− CVE-") == ran.out.count("+ CVE-")


def test_rules_that_are_new_or_gone_matter_where_they_fire(tmp_path: Path, today: Path) -> None:
    never = '\nrule never deny "never"\n  require image is not signed\n  message "it is signed"\n'
    more = policy(tmp_path / "more", text=TEXT + never)
    ran = compare(CLEAN, "--policies", today, "--with", more, "-o", "json")
    assert ran.code == 1
    (only,) = ran.json["comparisons"]
    assert (only["before"]["decision"], only["after"]["decision"], only["changed"]) == ("allow", "deny", True)
    (rule,) = only["rules"]
    assert rule == {
        "id": "order-api.never", "matters": True, "appeared": ["it is signed"], "disappeared": [],
        "after": {"status": "violated", "effectiveEffect": "deny", "violations": 1},
    }  # fmt: skip
    holds = policy(tmp_path / "holds", text=TEXT + never.replace("is not signed", "is signed"))
    ran = compare(CLEAN, "--policies", today, "--with", holds, "-o", "json")
    assert (ran.code, ran.json["changed"]) == (0, False)
    assert [(each["id"], each["matters"]) for each in ran.json["comparisons"][0]["rules"]] == [
        ("order-api.never", False)
    ]
    assert "order-api.never" in compare(CLEAN, "--policies", today, "--with", holds, "-v").out


def test_environments_and_parameters_of_one_side(tmp_path: Path) -> None:
    text = TEXT.replace(
        "\nrule image-signed", "\nparam most: int = 1\nenvironment dev { downgrade all to warn }\n\nrule image-signed"
    )
    staged = policy(tmp_path / "staged", "forbid more than 1 finding", "forbid more than most finding", text)
    both = ("--policies", staged, "--with", staged)
    ran = compare(VULNERABLE, *both, "--with-environment", "dev")
    assert (ran.code, "DENY → ALLOW" in ran.out) == (1, True)
    assert compare(VULNERABLE, *both, "--environment", "dev").code == 0
    ran = compare(VULNERABLE, *both, "--with-param", "most=2")
    assert "order-api.high-backlog  violated (warn, 1 violation) → passed" in ran.out
    assert compare(VULNERABLE, *both, "--param", "most=2").code == 0
    assert "did you mean" in compare(VULNERABLE, *both, "--with-param", "mots=2").err


def test_everything_is_fetched_once_and_neither_side_is_lost(tmp_path: Path, today: Path) -> None:
    with Simulator(example()) as registry:
        folders = [policy(tmp_path / name, "registry.example.com/", "127.0.0.1:*/") for name in ("one", "two")]
        registry.faults.append(Fault("manifests/missing", "status", 404))
        image = f"{registry.host}/prod/order-api"
        trust = trusting(tmp_path, image)
        sides = ("--policies", folders[0], "--with", folders[1])
        ran = policyengine("compare", f"{image}:clean", "--at", AT, *trust, *sides)
        assert (ran.code, ran.err) == (0, "")
        assert max(Counter(registry.paths()).values()) == 1
        ran = policyengine("compare", f"{image}:missing", f"{image}:clean", "--at", AT, *trust, *sides, "-o", "json")
        assert ran.code == 3
        assert [each["after"]["decision"] for each in ran.json["comparisons"]] == ["error", "allow"]
        assert ran.err.count("error[PE301]") == 1


def test_over_a_record_without_any_registry(tmp_path: Path, today: Path, milder: Path) -> None:
    record = tmp_path / "friday.tar"
    recorded = policyengine("eval", *LAYOUT, VULNERABLE, today, "--record", record)
    assert recorded.code == 1, recorded.err
    ran = policyengine("compare", "--recorded", record, "--with", milder)
    assert (ran.code, ran.err) == (1, "")
    assert "DENY → ALLOW" in ran.out
    assert policyengine("compare", "--recorded", record, "--policies", milder, "--with", milder).code == 0
    ran = policyengine("compare", "--recorded", record, "--with", milder, "--at", AT)
    assert (ran.code, "a record has its own instant" in ran.err) == (2, True)


def test_what_a_record_does_not_hold_is_no_change_but_an_error(tmp_path: Path, today: Path) -> None:
    small = tmp_path / "small.policy"
    small.write_text('policy small "s"\nrule signed deny "signed"\n  require image is signed\n')
    record = tmp_path / "small.tar"
    assert policyengine("eval", *LAYOUT, CLEAN, small, "--record", record).code == 0
    ran = policyengine("compare", "--recorded", record, "--with", today)
    assert ran.code == 3
    assert "ALLOW → COULD NOT DECIDE" in ran.out
    assert "the record does not hold" in ran.out + ran.err


@pytest.mark.parametrize(("arguments", "said"), [
    ((), "no policies to compare with were named"),
    (("r.example.com/a:1",), "no policies to compare with were named"),
    (("r.example.com/a:1", "--with", "{today}"), "no policies that decide today were named"),
    (("--policies", "{today}", "--with", "{today}"), "no image was named"),
    (("r.example.com/a:1", "{today}", "--policies", "{today}", "--with", "{today}"), "only images stand by themselves"),
    (("r.example.com/a:1", "--policies", "none", "--with", "{today}"), "there is no `none`"),
    (("--recorded", "none.tar", "--with", "{today}"), "none.tar"),
    (("r.example.com/a", "--policies", "{today}", "--with", "{today}"), "names neither a tag nor a digest"),
    (("r.example.com/a:1", "-p", "x"), "there is no option"),
    (("r.example.com/a:1", "--with", "{today}", "-o", "sarif"), "this command has no report in the format"),
])  # fmt: skip
def test_wrong_use(arguments: tuple[str, ...], said: str, today: Path) -> None:
    ran = policyengine("compare", *(argument.replace("{today}", os.fspath(today)) for argument in arguments))
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
