"""`explain`: the meaning of rules, the reasons of a decision, earlier decisions, and codes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from policyengine.cli.codes import ADVICE
from policyengine.errors import PolicyEngineError
from policyengine.language.codes import TITLES
from tests.cli.example import CLEAN, TRUST, VULNERABLE, evaluate
from tests.command import Finished, policyengine
from tests.example import AT, LAYOUT, POLICIES, REPOSITORY

POLICY = """policy p "What must hold"
param grace: duration = 14 days "how long"
param team: text
environment staging { grace = 30 days downgrade fixable to warn }
rule fixable deny "no fixable finding"
  forbid finding where finding.fix is present and finding.age > grace
  unless some vex where vex covers finding
rule owned deny "owned" require image.labels["team"] is team
waive fixable for finding where finding.id is "CVE-2024-0001" owner "me" reason "why" ticket "T-1" expires 2026-12-31
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "p.policy"
    path.write_text(POLICY)
    return path


def explain(*arguments: object, policies: object = POLICIES) -> Finished:
    """`explain` of images of the example's layout, as `evaluate` decides about them."""
    base = ("explain", "--oci-layout", "--repository", REPOSITORY, *TRUST)
    return policyengine(*base, policies, *arguments)


# ---------------------------------------------------------------------------- what rules mean


def test_each_rule_is_told_in_plain_words(policy: Path) -> None:
    ran = policyengine("explain", policy)

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("fetched  scan, vex, the image's configuration\n")
    for line in (
        "policy p  What must hold",
        "  applies to every image",
        "p.fixable  deny  no fixable finding",
        f"  {policy}:5",
        "  warn in staging",
        "  it forbids every finding for which",
        "    all of these hold",
        "      finding.age > grace",
        "  unless it is certain that",
        "    some vex where vex covers finding",
        "  waived until 2026-12-31 by me, T-1: why",
        "  uses grace: duration = 14 days  (default; how long)",
        "  uses team: text  (must be given)",
        "    · finding.published is missing, or lies in the future",
        '    · image.labels["team"] is missing',
    ):
        assert f"{line}\n" in ran.out


def test_an_environment_and_parameters_change_what_is_told(policy: Path) -> None:
    ran = policyengine("explain", policy, "--environment", "staging", "--param", "team=payments")

    assert ran.code == 0
    assert "p.fixable  deny → warn in staging  no fixable finding\n" in ran.out
    assert "  uses grace: duration = 30 days  (from the environment; how long)\n" in ran.out
    assert '  uses team: text = "payments"  (given)\n' in ran.out


@pytest.mark.parametrize("pattern", ["owned", "p.owned", "o*", "p.o*"])
def test_rules_are_chosen_by_name_or_glob(policy: Path, pattern: str) -> None:
    for arguments in ((pattern,), ("--rule", pattern)):
        ran = policyengine("explain", policy, *arguments)
        assert "p.owned" in ran.out
        assert "p.fixable" not in ran.out


def test_the_meaning_as_json(policy: Path) -> None:
    found = policyengine("explain", policy, "fixable", "-o", "json").json

    assert list(found) == ["schemaVersion", "policySet", "fetched", "policies"]
    assert found["fetched"]["configuration"] is True
    (rule,) = found["policies"][0]["rules"]
    assert rule["id"] == "p.fixable"
    assert (rule["effect"], rule["effectiveEffect"], rule["environments"]) == ("deny", "deny", {"staging": "warn"})
    assert (rule["demand"], rule["element"]) == ("forbid", "finding")
    assert rule["condition"] == {
        "text": "all of these hold", "parts": [{"text": "finding.fix is present"}, {"text": "finding.age > grace"}],
    }  # fmt: skip
    assert rule["unless"] == {"text": "some vex where vex covers finding"}
    assert rule["uses"] == [
        {"name": "grace", "type": "duration", "source": "default", "description": "how long", "value": "14 days"}
    ]
    assert rule["waivers"][0]["expires"] == "2026-12-31"
    assert rule["demands"]["finding"] == ["age", "aliases", "fix", "id", "package"]
    assert "finding.published is missing, or lies in the future" in rule["undetermined"]


def test_declared_kinds_are_named_with_their_artifact_types(tmp_path: Path) -> None:
    path = tmp_path / "q.policy"
    path.write_text(
        'policy q evidence coverage from "application/vnd.acme.coverage" { percent: decimal }\n'
        'rule r deny "t" require every coverage satisfies coverage.percent >= 80'
    )
    ran = policyengine("explain", path)
    assert "documents of the type application/vnd.acme.coverage\n" in ran.out
    found = policyengine("explain", path, "-o", "json").json
    assert found["fetched"] == {
        "kinds": [], "configuration": False, "artifactTypes": ["application/vnd.acme.coverage"],
    }  # fmt: skip


# ---------------------------------------------------------------------------- why an image was decided about so


def test_a_denial_is_explained_down_to_its_values() -> None:
    ran = explain(VULNERABLE, "--at", AT)

    assert (ran.code, ran.err) == (1, "")
    for line in (
        "    ✗ CVE-2019-10744 in lodash 4.17.4, fixed in 4.17.12",
        "      true       finding.severity >= CRITICAL  (finding.severity: CRITICAL)",
        "      true       finding.fix is present  (finding.fix: 4.17.12)",
        "      would pass if finding.severity is below CRITICAL",
        "                 or  finding.fix is missing",
        "      true     more than 1 finding  (counted: 2)",
        "  ✓ order-api.image-signed  passed  the image carries a release signature",
    ):
        assert f"{line}\n" in ran.out
    assert re.search(r"^      from scan trivy sarif-2\.1\.0 sha256:[0-9a-f]{12}$", ran.out, re.MULTILINE)


def test_an_allowed_image_is_0_and_a_rule_that_was_asked_for_is_shown_whole() -> None:
    ran = explain(CLEAN, "image-signed", "--at", AT)

    assert (ran.code, ran.err) == (0, "")
    assert "image is signed by release  (image.signatures: " in ran.out
    assert "order-api.scanned" not in ran.out


def test_the_reasons_as_json_agree_with_the_decision() -> None:
    decision = evaluate(VULNERABLE, "-o", "json").json
    found = explain(VULNERABLE, "--at", AT, "--all", "-o", "json").json

    assert (found["decision"], found["subject"]["digest"]) == ("deny", decision["subject"]["digest"])
    assert found["policySet"]["digest"] == decision["policySet"]["digest"]
    rules = {rule["id"]: rule for rule in found["images"][0]["policies"][0]["rules"]}
    for rule in decision["rules"]:
        mine = rules[rule["id"]]
        assert (mine["status"], mine["count"]) == (rule["status"], len(rule["violations"]))
        assert [each["message"] for each in mine["violations"]] == [each["message"] for each in rule["violations"]]
        assert [each["evidence"] for each in mine["violations"]] == [each["evidence"] for each in rule["violations"]]
    assert rules["order-api.no-critical"]["violations"][0]["wouldPassIf"] == [
        "finding.severity is below CRITICAL", "finding.fix is missing",
    ]  # fmt: skip


def test_only_a_few_violations_are_shown_unless_all_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "p.policy"
    path.write_text('policy p rule r deny "t" forbid finding')
    assert "… and 4 more (--all shows every one)\n" in explain(VULNERABLE, policies=path).out
    assert "more (--all" not in explain(VULNERABLE, "--all", policies=path).out


def test_several_images_are_explained_one_after_the_other() -> None:
    ran = explain(CLEAN, VULNERABLE, "--at", AT, "-o", "json")
    assert ran.code == 1
    assert [each["decision"] for each in ran.json["decisions"]] == ["allow", "deny"]


def test_what_cannot_be_had_is_said_and_nothing_is_explained(tmp_path: Path) -> None:
    ran = explain(f"{LAYOUT}:nothing", "--at", AT)
    assert ran.code == 3
    assert ran.err.startswith("error[PE301]: ")
    assert "COULD NOT DECIDE" in ran.out
    assert "would pass" not in ran.out

    ran = explain(f"{tmp_path}:nothing", "--at", AT)
    assert (ran.code, ran.out) == (2, "")


# ---------------------------------------------------------------------------- earlier decisions


@pytest.fixture
def decision(tmp_path: Path) -> Path:
    path = tmp_path / "decision.json"
    assert evaluate(VULNERABLE, "-o", f"json={path}", "-q").code == 1
    return path


def test_the_same_evidence_gives_the_same_decision_without_the_instant_being_named(decision: Path) -> None:
    ran = explain(VULNERABLE, "--decision", decision, "no-critical")

    assert ran.code == 1
    assert f"  at {AT}  sha256:" in ran.out
    assert "  ✓ the decision in the file is the same\n" in ran.out
    assert explain(VULNERABLE, "--decision", decision, "-o", "json").json["replay"] == {"same": True, "differences": []}


def test_the_repository_that_a_layout_stood_for_is_that_of_the_file(decision: Path) -> None:
    ran = policyengine("explain", "--oci-layout", *TRUST, VULNERABLE, POLICIES, "--decision", decision, "no-critical")
    assert "  ✓ the decision in the file is the same\n" in ran.out


def differences(decision: Path, *arguments: object, policies: object = POLICIES) -> list[str]:
    ran = explain("--decision", decision, "-o", "json", *arguments, policies=policies)
    assert ran.code == 1
    assert not ran.json["replay"]["same"]
    return [str(each) for each in ran.json["replay"]["differences"]]


def test_another_image_is_never_a_pass_even_where_it_is_allowed(decision: Path) -> None:
    found = differences(decision, CLEAN)

    assert found[0].startswith("the image was sha256:")
    assert "the decision was deny, and is allow" in found
    assert "the number of violations of order-api.no-critical was 3, and is 0" in found
    assert any(re.fullmatch(r"the document sha256:[0-9a-f]{64} is not there", each) for each in found)


def test_another_instant_and_other_policies_are_told(decision: Path, tmp_path: Path) -> None:
    found = differences(decision, VULNERABLE, "--at", "2026-12-22T20:00:00Z")
    assert f"the instant was {AT}, and is 2026-12-22T20:00:00Z" in found
    assert "the rule order-api.scanned, status was passed, and is violated" in found

    other = tmp_path / "order-api.policy"
    text = next(POLICIES.glob("*.policy")).read_text()
    other.write_text(text.replace("severity >= CRITICAL", "severity >= HIGH"))
    found = differences(decision, VULNERABLE, policies=other)
    assert re.fullmatch(r"the policies was sha256:[0-9a-f]{64}, and is sha256:[0-9a-f]{64}", found[0])


def changed(decision: Path, change: dict[str, Any]) -> Path:
    decision.write_text(json.dumps(json.loads(decision.read_text()) | change))
    return decision


def test_a_file_that_was_tampered_with_does_not_agree(decision: Path) -> None:
    assert differences(changed(decision, {"decision": "allow"}), VULNERABLE) == ["the decision was allow, and is deny"]
    assert "the rule order-api.no-critical was not there" in differences(changed(decision, {"rules": []}), VULNERABLE)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no decision"),
        ("[]", "holds no decision"),
        ('{"schemaVersion": "1"}', "holds no decision: decision: field required"),
        ('{"a": 1, "a": 2}', "holds no decision"),
        ("[" * 100_000, "holds no decision"),
    ],
)
def test_what_is_no_decision_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "d.json"
    path.write_text(content)
    ran = explain(VULNERABLE, "--decision", path)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_decision_about_a_layout_needs_the_layout(decision: Path) -> None:
    ran = explain("--decision", decision)
    assert (ran.code, ran.out) == (2, "")
    assert "the decision is about an image of a layout" in ran.err


def test_a_decision_is_about_one_image(decision: Path) -> None:
    assert "a decision is about one image" in explain("--decision", decision, CLEAN, VULNERABLE).err


# ---------------------------------------------------------------------------- codes


@pytest.mark.parametrize("code", ["E103", "e103"])
def test_a_diagnostic_is_explained_with_its_page(code: str) -> None:
    ran = policyengine("explain", code)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"E103: {TITLES['E103']}\n")
    assert "\nWrong:\n\n    finding.severity >= 7" in ran.out
    assert "```" not in ran.out


def test_several_codes_at_once_and_as_json() -> None:
    found = policyengine("explain", "W201", "PE401", "-o", "json").json
    assert [(each["code"], bool(each["text"])) for each in found["codes"]] == [("W201", True), ("PE401", True)]
    assert found["codes"][1]["title"] == "bytes that do not have the digest or size that their descriptor states"


def every(kind: type[PolicyEngineError]) -> set[str]:
    return {kind.code, *(code for each in kind.__subclasses__() for code in every(each))}


def test_every_error_has_its_advice_and_every_code_an_explanation() -> None:
    assert every(PolicyEngineError) == set(ADVICE)
    found = policyengine("explain", *sorted({*TITLES, *ADVICE}), "-o", "json").json["codes"]
    assert all(each["title"] and len(each["text"]) > 40 for each in found)


@pytest.mark.parametrize(("arguments", "said"), [
    ((), "no policy was named"),
    (("E999",), "there is no code `E999`"),
    (("E103", "nonsense"), "there is no file or folder"),
    (("nothere",), "there is no file or folder `nothere`"),
    ((POLICIES, "no-criticl"), "did you mean `no-critical`?"),
    ((POLICIES, "other.policy"), "there is no file or folder `other.policy`"),
    ((POLICIES, "a/b"), "there is no file or folder `a/b`"),
    ((POLICIES, "--environment", "dev"), "no policy has an environment `dev`"),
    ((POLICIES, "--param", "x=1"), "x"),
    ((POLICIES, "-o", "sarif"), "no report in the format"),
    ((POLICIES, "--decision", "nothere.json", "a@b"), "cannot read `nothere.json`"),
])  # fmt: skip
def test_wrong_use_is_one_sentence(arguments: tuple[object, ...], said: str) -> None:
    ran = policyengine("explain", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_policies_that_do_not_compile_are_not_explained(tmp_path: Path) -> None:
    path = tmp_path / "p.policy"
    path.write_text('policy p rule r deny "t" forbid finding where finding.sevrity is HIGH')
    ran = policyengine("explain", path)
    assert (ran.code, ran.out) == (2, "")
    assert "did you mean `severity`?" in ran.err


def test_what_policies_say_gives_no_orders(tmp_path: Path) -> None:
    path = tmp_path / "p.policy"
    path.write_text('policy p "##vso[task.complete]" rule r deny "::error::x" require image.tag is "##[x]"')
    for form in ("table", "json"):
        out = policyengine("explain", path, "-o", form).out
        assert "##vso[" not in out
        assert "##[" not in out
        assert not re.search(r"^\s*::", out, re.MULTILINE)
