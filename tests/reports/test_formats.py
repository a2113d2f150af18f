"""What holds for every format, and what the consumers of each one need."""

import json
import re
from collections import Counter
from datetime import date
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import policyengine
from policyengine.decision.model import (
    DocumentResult,
    PlatformResult,
    PolicySetSummary,
    Reason,
    Subject,
    Violation,
    WaiverResult,
)
from policyengine.evidence.formats import read
from policyengine.evidence.reading import Source
from policyengine.reports import FORMATS
from policyengine.reports.formats import Report, render
from policyengine.reports.look import Look
from policyengine.reports.markdown import LONGEST, code
from tests.reports.agents import HOSTILE, azure_commands, github_commands, steering
from tests.reports.decisions import (
    AMD,
    CASES,
    DENY,
    DOWNGRADED,
    IMAGE,
    INDEX,
    SCAN,
    SIGNED_SCAN,
    THOUSAND,
    UNDETERMINED,
    WAIVED,
    decision,
    digest,
    rule,
    signature,
)
from tests.reports.golden import agrees, elided

SUFFIXES = {"sarif": "json", "gitlab": "json", "junit": "xml", "vsa": "json", "html": "html", "markdown": "md"}
EXITS = {"allow": 0, "deny": 1, "error": 3}
PLAIN = [text for text in HOSTILE if not any("\ud800" <= each <= "\udfff" for each in text)]
DOCUMENTS = sorted(set(FORMATS) - {"github", "azure"})


def report(name: str) -> Report:
    case = CASES[name]
    code = max(EXITS[each.decision] for each in case)
    return Report(case, several=len(case) > 1, exit_code=code)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("form", sorted(set(FORMATS) - {"table", "json"}))
def test_golden(form: str, name: str) -> None:
    text = render(form, report(name)).replace(policyengine.__version__, "VERSION")
    assert agrees(f"{form}/{name}.{SUFFIXES.get(form, 'txt')}", elided(text))


@pytest.mark.parametrize("form", FORMATS)
def test_equal_decisions_are_equal_bytes(form: str) -> None:
    copy = msgspec.structs.replace(DENY, rules=tuple(msgspec.structs.replace(rule) for rule in DENY.rules))
    assert render(form, Report((copy,))) == render(form, Report((DENY,)))


@pytest.mark.parametrize("form", DOCUMENTS)
def test_no_document_gives_orders_to_an_agent_that_prints_it(form: str) -> None:
    text = render(form, report("hostile"))
    assert azure_commands(text) == []
    assert github_commands(text) == []
    assert steering(text) == []


@settings(max_examples=25)
@given(st.lists(st.sampled_from(HOSTILE) | st.text(max_size=15), min_size=1, max_size=3).map(" ".join))
def test_whatever_is_quoted_no_format_is_misled(text: str) -> None:
    shown = Report((_saying(text),), exit_code=1)
    for form in DOCUMENTS:
        output = render(form, shown)
        assert azure_commands(output) == github_commands(output) == steering(output) == [], form
    for line in render("azure", shown).splitlines():
        assert line.lower().count("##vso[") == line.startswith("##vso[task.")
    for line in render("github", shown).splitlines():
        assert not line.startswith("::") or re.match(r"::((error|warning) [^\n]*|group|endgroup)::", line)
    ET.fromstring(render("junit", shown))


def _saying(text: str) -> Any:
    """A decision in which `text` stands wherever somebody else's text can stand."""
    plain = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    document = DocumentResult(SCAN, plain, "untrusted", plain, plain, plain, plain, (SIGNED_SCAN,), (plain,), plain)
    signed = signature(SIGNED_SCAN, SCAN, status="rejected", identity=plain, reason=plain, trust_policy=plain)
    found = rule("r", "violated", Violation(plain, plain, "violated", plain, help=plain), title=plain, path=plain)
    waiver = WaiverResult(plain, plain, plain, plain, date(2026, 12, 31), "expired", 0, plain, 1)
    return decision(
        "deny", found, evidence=(document,), signatures=(signed,), waivers=(waiver,), warnings=(plain,),
        reasons=(Reason("x", plain),), platforms=(PlatformResult(plain, AMD, "deny"),),
        subject=Subject(plain, plain, IMAGE, plain, plain),
        policy_set=PolicySetSummary(digest("b0"), (plain,), plain, {plain: plain}),
    )  # fmt: skip


# ---------------------------------------------------------------------------- sarif


def sarif(name: str) -> Any:
    return json.loads(render("sarif", report(name)))


def test_sarif_can_be_read_by_our_own_reader() -> None:
    reading = read(render("sarif", report("thousand")).encode(), Source(SCAN))
    assert reading.tool == "policyengine"
    assert len(reading.records[0].findings.items) == 1000  # type: ignore[union-attr] # a scan


@pytest.mark.parametrize("name", CASES)
def test_sarif_has_what_code_scanning_asks_for(name: str) -> None:
    log = sarif(name)
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    for run in log["runs"]:
        rules = run["tool"]["driver"]["rules"]
        marks = [result["partialFingerprints"]["violation/v1"] for result in run["results"]]
        assert len(set(marks)) == len(marks) <= 5_000
        assert len({each["id"] for each in rules}) == len(rules)
        for result in run["results"]:
            place = result["locations"][0]["physicalLocation"]
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            assert result["level"] in ("error", "warning")
            assert result["message"]["text"]
            assert place["region"]["startLine"] >= 1
            assert re.fullmatch(r"[A-Za-z0-9/._~%:!'()*-]+", place["artifactLocation"]["uri"])


def test_sarif_says_how_the_run_went_and_what_is_waived() -> None:
    assert sarif("error")["runs"][0]["invocations"][0]["executionSuccessful"] is False
    assert sarif("deny")["runs"][0]["invocations"][0]["exitCode"] == 1
    suppressed = json.loads(render("sarif", Report((WAIVED,))))["runs"][0]["results"][0]["suppressions"]
    assert suppressed[0]["status"] == "accepted"
    assert "SEC-991" in suppressed[0]["justification"]


def test_sarif_fingerprints_survive_the_next_build() -> None:
    other = msgspec.structs.replace(DENY, subject=msgspec.structs.replace(DENY.subject, digest="sha256:" + "9" * 64))
    marks = [
        [result["partialFingerprints"] for result in json.loads(render("sarif", Report((each,))))["runs"][0]["results"]]
        for each in (DENY, other)
    ]
    assert marks[0] == marks[1]


@pytest.mark.parametrize("name", ["no-policy", "unresolved", "error", "several"])
def test_sarif_of_what_may_not_pass_is_never_without_an_error(name: str) -> None:
    """Code scanning that is told of no result reports success."""
    assert "error" in {result["level"] for result in sarif(name)["runs"][0]["results"]}


def test_sarif_that_is_cut_keeps_what_denies() -> None:
    warnings = rule("backlog", "violated", *(Violation(f"{n}", None, "violated") for n in range(6_000)), effect="warn")
    log = json.loads(render("sarif", Report((decision("deny", warnings, DENY.rules[2]),))))
    assert [result["ruleId"] for result in log["runs"][0]["results"][:3]] == [
        "production.no-critical", "production.no-critical", "production.backlog",
    ]  # fmt: skip
    assert "1002 more" in log["runs"][0]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_sarif_messages_are_no_links() -> None:
    log = render("sarif", Report((_saying("[click](https://evil.example)"),)))
    assert "](" not in json.loads(log)["runs"][0]["results"][0]["message"]["text"]


# ---------------------------------------------------------------------------- junit, gitlab, tap


@pytest.mark.parametrize("name", CASES)
def test_junit_is_xml_and_its_counts_are_true(name: str) -> None:
    root = ET.fromstring(render("junit", report(name)))
    for suite in (root, *root.findall("testsuite")):
        cases = list(suite.iter("testcase"))
        assert int(suite.attrib["tests"]) == len(cases) > 0
        for tag, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(suite.attrib[count]) == sum(case.find(tag) is not None for case in cases)
    fails = int(root.attrib["failures"]) + int(root.attrib["errors"])
    assert bool(fails) == any(not each.allowed for each in CASES[name])


def test_junit_tells_violation_outage_waiver_and_warning_apart() -> None:
    def outcome(name: str, case: str) -> list[str]:
        root = ET.fromstring(render("junit", report(name)))
        return [child.tag for child in root.iterfind(f".//testcase[@name='{case}']/*")]

    assert outcome("deny", "no-critical") == ["failure"]
    assert outcome("error", "scanned") == ["error"]
    assert outcome("undetermined", "licenses") == ["failure"]
    assert outcome("waived", "fixable") == ["skipped"]
    assert outcome("deny", "backlog") == ["system-out"]
    assert outcome("deny", "image-signed") == []


@pytest.mark.parametrize("name", CASES)
def test_gitlab_entries_have_what_the_widget_asks_for(name: str) -> None:
    entries = json.loads(render("gitlab", report(name)))
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    for entry in entries:
        assert set(entry) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert entry["location"]["lines"]["begin"] >= 1
    assert bool(entries) == any(each.violations or not each.allowed for each in CASES[name])


@pytest.mark.parametrize("name", CASES)
def test_tap_has_the_points_that_it_plans(name: str) -> None:
    lines = render("tap", report(name)).splitlines()
    points = [line for line in lines if re.match(r"(not )?ok \d+ - ", line)]
    assert lines[0] == "TAP version 14"
    assert lines[1] == f"1..{len(points)}"
    assert any(line.startswith("not ok") for line in points) == any(not each.allowed for each in CASES[name])


# ---------------------------------------------------------------------------- github, azure


def test_github_has_one_annotation_for_a_rule_of_a_thousand_findings() -> None:
    lines = render("github", Report((THOUSAND,), exit_code=1)).splitlines()
    assert [line.partition(" ")[0] for line in lines if line.startswith(("DENY", "::error"))] == ["DENY", "::error"]
    assert "and 997 more" in lines[-1]


@pytest.mark.parametrize(
    ("form", "first", "last"), [("github", "::group::", "::endgroup::"), ("azure", "##[group]", "##[endgroup]")]
)
def test_many_violations_are_lines_that_the_agent_folds(form: str, first: str, last: str) -> None:
    def folded(report: Report) -> list[str]:
        lines = render(form, report).splitlines()
        start, end = (next(n for n, line in enumerate(lines) if line.startswith(mark)) for mark in (first, last))
        return lines[start:end]

    lines = folded(Report((THOUSAND,), exit_code=1))
    assert lines[0] == f"{first}production.no-critical: 1000 violations"
    assert len(lines) == 102
    assert lines[-1] == "and 900 more (--all shows every one)"
    assert len(folded(Report((THOUSAND,), Look(everything=True), exit_code=1))) == 1001
    few = render(form, Report((DENY,), exit_code=1))
    assert first not in few
    bad = decision(
        "deny", rule("r", "violated", *(Violation(f"{n} {each}", None, "violated") for n, each in enumerate(PLAIN)))
    )
    commands = [
        line for line in folded(Report((bad,)))[1:] if azure_commands(line) or github_commands(line) or steering(line)
    ]
    assert commands == []


def test_github_drops_no_annotation_in_silence() -> None:
    """The runner takes ten errors and ten warnings of a step."""
    many = decision("deny", *(rule(f"r{n}", "violated", Violation("no", None, "violated")) for n in range(30)))
    lines = render("github", Report((many, DENY), exit_code=1)).splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["DENY", "DENY", *["::error"] * 10, "::warning"]
    assert lines[11] == "::error title=policyengine::22 more are in the summary of this job"


def test_azure_sets_the_variable_and_the_result() -> None:
    def last(each: Any, code: int) -> list[str]:
        return render("azure", Report((each,), exit_code=code)).splitlines()[-2:]

    assert last(DENY, 1) == [
        "##vso[task.setvariable variable=decision;isOutput=true]deny",
        "##vso[task.complete result=Failed;]DENY",
    ]
    assert last(DENY, 0)[1] == "##vso[task.complete result=SucceededWithIssues;]DENY"
    assert last(DOWNGRADED, 0)[1] == "##vso[task.complete result=SucceededWithIssues;]ALLOW"
    assert last(CASES["allow"][0], 0)[1] == "##vso[task.complete result=Succeeded;]ALLOW"


def test_annotations_stand_at_the_rule() -> None:
    assert "::error file=policies/production.policy,line=31," in render("github", Report((UNDETERMINED,)))
    assert "sourcepath=policies/production.policy;linenumber=31;code=production.licenses;" in render(
        "azure", Report((UNDETERMINED,))
    )


# ---------------------------------------------------------------------------- markdown, html, mermaid


def test_markdown_quotes_in_code_so_that_nothing_is_a_link_or_a_mention() -> None:
    nasty = "@everyone [x](https://evil.example) <img src=x onerror=y> ![](z) `| tick` ``| two``"
    text = render("markdown", Report((_saying(nasty),)))
    text = re.sub(r"^```mermaid$.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    outside = re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", text)
    assert "@everyone" not in outside
    assert "evil.example" not in outside
    assert "<img" not in outside
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {4, 5}  # platforms have one column less


@settings(max_examples=60)
@given(st.text("`a |", min_size=1, max_size=12))
def test_code_spans_hold_any_backticks(text: str) -> None:
    span = code(text)
    fence = re.match("`+", span)
    assert fence
    inner = span[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in re.findall("`+", inner)
    assert inner.strip("` ") == text.strip("` ")


def test_markdown_stays_below_the_limit_of_a_comment() -> None:
    text = render("markdown", Report((THOUSAND, *CASES["several"]) * 60, several=True))
    assert len(text) <= LONGEST + 100
    assert "see the full report" in text.splitlines()[-1]
    assert text.count("<details>") == text.count("</details>")


class Page(HTMLParser):
    """Collects the tags of a page; `open` are those still open."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        assert not [name for name, value in attrs if name.startswith("on") or "javascript:" in (value or "")]
        assert not {"src", "href", "xlink:href"} & {name for name, _ in attrs}
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in ("meta", "br"):
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", CASES)
def test_html_is_one_closed_page_without_scripts_or_anything_from_elsewhere(name: str) -> None:
    page = Page()
    text = render("html", report(name))
    page.feed(text)
    page.close()
    assert page.open == []
    assert not page.tags.keys() & {"script", "img", "link", "iframe", "object", "form", "a"}
    assert page.tags["section"] == len(CASES[name])
    assert "default-src &#39;none&#39;" in text


def test_html_shows_markup_as_text() -> None:
    page = Page()
    page.feed(render("html", Report((_saying("<script>alert(1)</script>"),))))
    assert page.tags["script"] == 0
    assert "<script>alert(1)</script>" in page.text


def test_html_draws_the_artifacts() -> None:
    picture = re.search(r"<svg.*?</svg>", render("html", Report((UNDETERMINED,))), re.DOTALL)
    assert picture
    root = ET.fromstring(picture[0])
    assert len(root.findall("rect")) == 6  # the image, its signature, two documents with one each
    assert len(root.findall("path")) == 5
    assert {each.attrib["class"] for each in root.findall("rect")} == {"box allow", "box deny"}


def test_mermaid_labels_are_only_text() -> None:
    text = render("mermaid", Report((_saying('"]; click n1 "javascript:x" %%{init}%% <b>'),)))
    label = r"(?:[^\"\[\];{}<>%#]|#\d+;|<br/>)*"
    for line in text.splitlines()[1:]:
        assert re.fullmatch(rf'  (n\d+\["{label}"\]:::\w+|n\d+ --- n\d+|classDef .*)', line), line
    assert "✗ registry.example.com/prod/order-api" in render("mermaid", Report((INDEX,)))
