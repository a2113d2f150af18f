import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

import policyengine
from policyengine.decision.model import Decision, PolicySetSummary
from policyengine.reports.formats import Report
from policyengine.reports.formats import render as rendered
from policyengine.reports.instant import rfc3339
from policyengine.reports.json import shown
from tests.reports.agents import azure_commands, github_commands, steering
from tests.reports.decisions import ALLOW, CASES, DENY, INDEX, THOUSAND, UNDETERMINED, WAIVED, decision
from tests.reports.golden import agrees

SCHEMA = json.loads((Path(policyengine.__file__).parent / "schemas/decision-v1.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)


def render(decisions: Sequence[Decision], *, several: bool = False) -> str:
    return rendered("json", Report(tuple(decisions), several=several))


def parsed(name: str) -> Any:
    case = CASES[name]
    return json.loads(render(case, several=len(case) > 1))


def test_the_schema_is_one_and_closed() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    open_ones = [n for n, d in SCHEMA["$defs"].items() if d.get("type") == "object" and d["additionalProperties"]]
    assert open_ones == []


@pytest.mark.parametrize("name", CASES)
def test_every_decision_is_valid(name: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(parsed(name))] == []


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"thousand"}))
def test_golden(name: str) -> None:
    case = CASES[name]
    assert agrees(f"json/{name}.json", render(case, several=len(case) > 1).replace(policyengine.__version__, "VERSION"))


def test_the_schema_notices_what_is_wrong() -> None:
    changes: list[dict[str, Any]] = [
        {"decision": "maybe"},
        {"extra": 1},
        {"at": "2026-11-22"},
        {"rules": None},
        {"platforms": []},
    ]
    for change in changes:
        assert list(VALIDATOR.iter_errors({**parsed("deny"), **change})), change


def test_the_order_of_keys_is_the_published_one() -> None:
    assert list(parsed("index")) == [
        "schemaVersion", "decision", "subject", "at", "engine", "policySet", "rules", "waivers", "evidence",
        "signatures", "reasons", "platforms",
    ]  # fmt: skip
    assert list(parsed("deny")["rules"][2]) == [
        "id", "effect", "effectiveEffect", "title", "status", "violations", "file", "line", "help",
    ]  # fmt: skip


def test_equal_decisions_are_equal_bytes() -> None:
    copy = msgspec.structs.replace(DENY, policy_set=PolicySetSummary(*msgspec.structs.astuple(DENY.policy_set)))
    assert render([copy]) == render([DENY])
    one, other = ({"b": 1, "a": {"x", "y", "z"}}, {"a": {"z", "y", "x"}, "b": 1})
    summaries = [PolicySetSummary("d", ("p",), None, parameters) for parameters in (one, other)]
    assert len({render([decision("allow", policy_set=summary)]) for summary in summaries}) == 1


def test_absent_keys_are_left_out() -> None:
    document = parsed("allow")
    assert "platforms" not in document
    assert "environment" not in document["policySet"]
    assert "platform" not in document["subject"]
    assert "null" not in render([WAIVED]).replace('"element": null', "")


def test_what_is_not_known_is_said() -> None:
    violation = json.loads(render([UNDETERMINED]))["rules"][1]["violations"][0]
    assert violation["state"] == "undetermined"
    assert violation["missing"] == "no usable sbom: 1 found, not signed by a trusted identity"
    assert violation["element"] is None


def test_a_waived_violation_names_its_waiver() -> None:
    document = json.loads(render([WAIVED]))
    violation = document["rules"][1]["violations"][0]
    assert document["waivers"][violation["waiver"]]["ticket"] == "SEC-991"


def test_every_violation_is_there() -> None:
    assert len(json.loads(render([THOUSAND]))["rules"][0]["violations"]) == 1000


def test_an_index_names_its_platforms() -> None:
    document = json.loads(render([INDEX]))
    assert [p["decision"] for p in document["platforms"]] == ["allow", "deny"]
    assert document["rules"][1]["violations"][0]["platform"] == "linux/arm64"
    assert document["evidence"][0]["platform"] == "linux/arm64"


def test_one_reference_is_a_document_and_several_are_under_decisions() -> None:
    assert json.loads(render([ALLOW]))["decision"] == "allow"
    several = json.loads(render([ALLOW, DENY], several=True))
    assert [d["decision"] for d in several["decisions"]] == ["allow", "deny"]


def test_json_in_a_log_gives_no_orders_and_says_the_same() -> None:
    text = render(CASES["hostile"])
    assert azure_commands(text) == []
    assert github_commands(text) == []
    assert steering(text) == []
    assert json.loads(text)["reasons"][0]["message"] == CASES["hostile"][0].reasons[0].message


def test_a_path_whose_bytes_are_no_text_is_still_json() -> None:
    broken = msgspec.structs.replace(DENY.rules[2], path="caf\udce9.policy")
    assert json.loads(render([decision("deny", broken)]))["rules"][0]["file"] == "caf\udce9.policy"


def test_values_of_parameters() -> None:
    values = (True, 3, "x", Decimal("1.50"), timedelta(days=1), {"b", "a"}, (1, "x"), {"k": {2}}, None)
    assert [shown(value) for value in values] == [
        True,
        3,
        "x",
        "1.50",
        "1 day, 0:00:00",
        ["a", "b"],
        [1, "x"],
        {"k": [2]},
        None,
    ]


def test_instants_are_utc_with_z() -> None:
    assert rfc3339(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2026-01-02T03:04:05Z"
    assert rfc3339(datetime(2026, 1, 2, 3, 4, 5, 120000, tzinfo=UTC)) == "2026-01-02T03:04:05.120000Z"
    assert rfc3339(datetime(2026, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=2)))) == "2026-01-02T01:04:00Z"
