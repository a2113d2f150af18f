"""`eval` as pipelines see it: decisions, exit codes, reports, and what is wrong said in one sentence."""

import json
import re
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from policyengine.reports import FORMATS
from tests.cli.example import CLEAN, TRUST, VULNERABLE, evaluate
from tests.command import policyengine
from tests.example import AT, LAYOUT, POLICIES, REPOSITORY, digest
from tests.reports.agents import azure_commands, github_commands
from tests.simulator.content import Content
from tests.simulator.registry import Simulator

WARNING = """policy w
rule never warn "nothing is in here"
  require image.size < 0
rule image-signed deny "signed"
  require image is signed
"""


@pytest.fixture
def warning(tmp_path: Path) -> Path:
    """A policy of which the example's image breaks a warning rule only."""
    path = tmp_path / "w.policy"
    path.write_text(WARNING)
    return path


# ---------------------------------------------------------------------------- decisions and exit codes


def test_an_allowed_image() -> None:
    ran = evaluate(CLEAN)
    assert (ran.code, ran.err) == (0, "")
    first = ran.out.splitlines()[0]
    assert first.endswith(f"ALLOW  registry.example.com/prod/order-api:clean@{digest('clean')}")
    assert f"at {AT}" in ran.out
    assert "signed by C=US, ST=WA, O=Example Orders, CN=release" in ran.out


def test_a_denied_image_says_why_and_what_to_do() -> None:
    ran = evaluate(VULNERABLE)
    assert (ran.code, ran.err) == (1, "")
    assert "DENY" in ran.out.splitlines()[0]
    assert "order-api.no-critical" in ran.out
    assert "CVE-2019-10744 in lodash 4.17.4, fixed in 4.17.12" in ran.out
    assert "help: Upgrade the package and build again." in ran.out
    assert "order-api.policy:24" in ran.out


def test_without_trust_nothing_is_signed() -> None:
    ran = policyengine(
        "eval", "--oci-layout", CLEAN, POLICIES, "--repository", "registry.example.com/prod/x", "--at", AT
    )
    assert ran.code == 1
    assert "no signature is trusted" in ran.err


def test_without_its_repository_a_layout_is_in_nobodys_scope() -> None:
    ran = policyengine("eval", "--oci-layout", CLEAN, POLICIES, "--at", AT, *TRUST)
    assert ran.code == 1
    assert "no policy applies" in ran.out


def test_of_several_images_the_worst_counts() -> None:
    missing = f"{LAYOUT}:missing"
    assert evaluate(CLEAN, VULNERABLE).code == 1
    both = evaluate(VULNERABLE, missing, CLEAN, "-o", "json")
    assert both.code == 3
    assert [each["decision"] for each in both.json["decisions"]] == ["deny", "error", "allow"]
    assert "3 images: 1 allowed, 1 denied, 1 could not be decided" in evaluate(VULNERABLE, missing, CLEAN).out


def test_no_fail_turns_a_denial_into_zero_and_nothing_else() -> None:
    assert evaluate(VULNERABLE, "--no-fail").code == 0
    assert "DENY" in evaluate(VULNERABLE, "--no-fail").out
    assert evaluate(f"{LAYOUT}:missing", "--no-fail").code == 3
    assert evaluate(VULNERABLE, f"{LAYOUT}:missing", "--no-fail").code == 3
    assert evaluate(str(LAYOUT), "--no-fail").code == 2


def test_fail_on_warn_denies_what_warns(warning: Path) -> None:
    assert evaluate(CLEAN, policies=warning).code == 0
    ran = evaluate(CLEAN, "--fail-on", "warn", "-o", "json", policies=warning)
    assert ran.code == 1
    assert ran.json["decision"] == "deny"
    assert [(r["effect"], r["effectiveEffect"]) for r in ran.json["rules"]] == [("warn", "deny"), ("deny", "deny")]
    assert "(warn → deny)" in evaluate(CLEAN, "--fail-on=warn", policies=warning).out
    assert evaluate(CLEAN, "--fail-on", "warn").code == 0


def test_a_reference_by_digest() -> None:
    ran = evaluate(f"{LAYOUT}@{digest('clean')}", "-o", "json")
    assert ran.code == 0
    assert ran.json["subject"]["digest"] == digest("clean")
    assert ran.json["subject"]["repository"] == "registry.example.com/prod/order-api"


def test_a_policy_can_be_said_outright(tmp_path: Path) -> None:
    base = ("eval", "--oci-layout", CLEAN, "--repository", "registry.example.com/prod/order-api", "--at", AT, *TRUST)
    assert policyengine(*base, "--policy", POLICIES).code == 0
    assert policyengine(*base, "-p", POLICIES / "order-api.policy").code == 0


def test_a_policy_file_called_like_an_image_is_a_policy_where_it_is_said_to_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "app:1.4").write_text('policy p rule r deny "t" require image is signed')
    base = ("--oci-layout", CLEAN, "--repository", REPOSITORY, "--at", AT, *TRUST)
    assert policyengine("eval", "./app:1.4", *base, cwd=tmp_path).code == 0
    assert policyengine("eval", *base, "--policy", "app:1.4", cwd=tmp_path).code == 0
    assert policyengine("eval", "app:1.4", *base, cwd=tmp_path).code == 2


@pytest.mark.parametrize(("text", "shown"), [
    ("2026-11-22T20:00:00Z", "2026-11-22T20:00:00Z"),
    ("2026-11-22T21:00:00.5+01:00", "2026-11-22T20:00:00.500000Z"),
    ("2026-11-23", "2026-11-23T00:00:00Z"),
])  # fmt: skip
def test_instants(text: str, shown: str) -> None:
    assert evaluate(CLEAN, "--effective-time", text, "-o", "json").json["at"] == shown


def test_without_an_instant_it_is_now() -> None:
    ran = policyengine("eval", "--oci-layout", CLEAN, POLICIES, *TRUST)
    assert " at 20" not in ran.out
    at = policyengine("eval", "--oci-layout", CLEAN, POLICIES, *TRUST, "-o", "json").json["at"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", at)


def test_environments_and_parameters(tmp_path: Path) -> None:
    policy = tmp_path / "p.policy"
    policy.write_text("""policy p
      param smallest: int
      environment dev { smallest = 1  downgrade all to warn }
      rule large deny "t" require image.size > smallest""")
    assert evaluate(CLEAN, "--param", "smallest=1", policies=policy).code == 0
    assert evaluate(CLEAN, "--param", "p.smallest=100000000", policies=policy).code == 1
    lenient = evaluate(CLEAN, "--environment", "dev", "--param", "smallest=100000000", "-o", "json", policies=policy)
    assert lenient.code == 0
    assert lenient.json["policySet"]["environment"] == "dev"
    assert lenient.json["policySet"]["parameters"] == {"p.smallest": 100000000}
    assert evaluate(CLEAN, policies=policy).code == 2


# ---------------------------------------------------------------------------- reports


@pytest.mark.parametrize("form", sorted(set(FORMATS) - {"table"}))
def test_every_format_on_standard_output_and_in_a_file(form: str, tmp_path: Path) -> None:
    path = tmp_path / "report"
    shown = evaluate(VULNERABLE, "-o", form)
    filed = evaluate(VULNERABLE, "-o", f"{form}={path}")
    assert shown.code == filed.code == 1
    assert path.read_text() == shown.out
    assert "DENY" in filed.out.splitlines()[0]  # nothing else went to standard output, so people get the table
    assert [entry.name for entry in tmp_path.iterdir()] == ["report"]


def test_several_reports_from_one_run(tmp_path: Path) -> None:
    ran = evaluate(VULNERABLE, "-o", "table", "-o", "azure", "-o", f"json={tmp_path / 'd.json'}", "-o",
                   f"markdown={tmp_path / 's.md'}")  # fmt: skip
    assert ran.code == 1
    assert "DENY" in ran.out.splitlines()[0]
    assert f"##vso[task.uploadsummary]{tmp_path / 's.md'}" in ran.out
    assert ran.out.splitlines()[-1] == "##vso[task.complete result=Failed;]DENY"
    assert json.loads((tmp_path / "d.json").read_text())["decision"] == "deny"


def test_a_denial_that_may_not_fail_does_not_fail_the_task() -> None:
    assert "result=SucceededWithIssues" in evaluate(VULNERABLE, "--no-fail", "-o", "azure").out


def test_github_gets_the_output_and_the_summary_of_the_step(tmp_path: Path) -> None:
    output, summary = tmp_path / "output", tmp_path / "summary"
    output.write_text("before=1\n")
    ran = evaluate(VULNERABLE, "-o", "github", GITHUB_OUTPUT=str(output), GITHUB_STEP_SUMMARY=str(summary))
    assert "::error file=" in ran.out
    assert output.read_text() == "before=1\ndecision=deny\n"
    assert "DENY" in summary.read_text()


def test_a_report_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text("old")
    path.chmod(0o640)
    assert evaluate(CLEAN, "-o", f"json={path}").code == 0
    assert json.loads(path.read_text())["decision"] == "allow"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert evaluate(CLEAN, "-o", f"json={path}", "--param", "x=1").code == 2
    assert json.loads(path.read_text())["decision"] == "allow"


@pytest.mark.parametrize("target", ["missing/d.json", "", "folder"])
def test_a_report_that_cannot_be_written_is_wrong_use(target: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    ran = evaluate(CLEAN, "-o", f"json={tmp_path / target if target else ''}")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error[PE100]: ")


def test_a_full_disk_is_not_a_pass() -> None:
    assert evaluate(CLEAN, "-o", "json=/dev/full").code == 2


def test_an_image_that_cannot_be_had_is_valid_json_and_one_sentence() -> None:
    ran = evaluate(f"{LAYOUT}:missing", "-o", "json")
    assert ran.code == 3
    assert ran.json["decision"] == "error"
    assert ran.json["reasons"][0]["code"] == "not-found"
    assert re.fullmatch(r"error\[PE301\]: [^\n]*missing[^\n]*\n  help: [^\n]*\n", ran.err)


def test_quiet_verbose_and_all() -> None:
    assert len(evaluate(VULNERABLE, "-q").out.splitlines()) == 1
    assert "order-api.image-signed" not in evaluate(CLEAN).out
    assert "order-api.image-signed" in evaluate(CLEAN, "-v").out
    assert evaluate(VULNERABLE, "--all").code == 1


def test_colours_follow_the_option_then_the_environment() -> None:
    assert "\x1b[" not in evaluate(CLEAN).out
    assert "\x1b[1;32mALLOW" in evaluate(CLEAN, "--color", "always", NO_COLOR="1").out
    assert "\x1b[1;32mALLOW" in evaluate(CLEAN, FORCE_COLOR="1").out
    assert "\x1b[" not in evaluate(CLEAN, FORCE_COLOR="1", NO_COLOR="1").out
    assert "\x1b[" not in evaluate(CLEAN, "--color=never", FORCE_COLOR="1").out


def test_a_terminal_without_our_symbols_gets_ascii() -> None:
    ran = evaluate(VULNERABLE, PYTHONIOENCODING="ascii")
    assert ran.code == 1
    assert ran.out.startswith("x DENY")
    assert ran.out.isascii()


def test_what_is_printed_gives_no_orders(tmp_path: Path) -> None:
    policy = tmp_path / "p.policy"
    policy.write_text('policy p rule r deny "##vso[task.complete result=Succeeded;]" require image is not signed '
                      'message "::set-output name=decision::allow"')  # fmt: skip
    for form in ("table", "json", "tap", "markdown"):
        ran = evaluate(CLEAN, "-o", form, policies=policy)
        assert ran.code == 1
        assert azure_commands(ran.out) == github_commands(ran.out) == []


def test_reports_are_the_same_bytes_twice() -> None:
    assert evaluate(VULNERABLE, "-o", "json").out == evaluate(VULNERABLE, "-o", "json").out


# ---------------------------------------------------------------------------- mistakes

SIGNED = "registry.example.com/app@sha256:" + "a" * 64


@pytest.mark.parametrize(("arguments", "said"), [
    ([], "no image was named"),
    ([POLICIES], "no image was named"),
    ([SIGNED], "no policy was named"),
    ([SIGNED, "policiez"], "there is no file or folder `policiez`"),
    ([SIGNED, "policiez/"], "there is no `policiez/`"),
    ([SIGNED, "gone.policy"], "there is no `gone.policy`"),
    ([SIGNED, "--policy", "gone"], "there is no `gone`"),
    (["registry.example.com/app", POLICIES], "neither a tag nor a digest"),
    (["registry.example.com/app@sha256:12", POLICIES], "sha256:12"),
    (["registry.example.com/App:1", POLICIES], "lower case"),
    (["https://registry.example.com/app:1", POLICIES], "scheme"),
    ([f"{LAYOUT}:clean", POLICIES], "--oci-layout"),
    (["--oci-layout", LAYOUT, POLICIES], "is an image layout, not policies"),
    (["--oci-layout", f"{POLICIES}:clean", POLICIES], "image layout"),
    (["--oci-layout", "nowhere:clean", POLICIES], "nowhere"),
    (["--oci-layout", CLEAN, POLICIES, "--repository", "a.example/b:1"], "more than a repository"),
    ([SIGNED, POLICIES, "--repository", "a.example/b"], "--repository is for layouts only"),
    ([SIGNED, POLICIES, "--offline"], "--offline opens no connection"),
    ([SIGNED, POLICIES, "--at", "yesterday"], "`yesterday` is not a time"),
    ([SIGNED, POLICIES, "--at", "2026-11-22T20:00:00"], "with Z or an offset"),
    ([SIGNED, POLICIES, "--platform", "linux"], "`linux` is not a platform"),
    ([SIGNED, POLICIES, "--environment", "prod"], "environment"),
    ([SIGNED, POLICIES, "--param", "max=1"], "max"),
    ([SIGNED, POLICIES, "--param", "max"], "NAME=VALUE"),
    ([SIGNED, POLICIES, "--trust-policy", "gone.json"], "gone.json"),
    ([SIGNED, POLICIES, "--ca-file", "gone.pem"], "gone.pem"),
    ([SIGNED, POLICIES, "--timeout", "soon"], "soon"),
    ([SIGNED, POLICIES, "--timeout", "nan"], "not a positive number of seconds"),
    ([SIGNED, POLICIES, "--timeout", "0"], "positive"),
    ([SIGNED, POLICIES, "--workers", "0"], "positive"),
    ([SIGNED, POLICIES, "-o", "jsn"], "did you mean `json`?"),
    ([SIGNED, POLICIES, "-o", "yaml"], "there is no format `yaml`"),
    ([SIGNED, POLICIES, "-o", "json", "-o", "sarif"], "two reports cannot share standard output"),
    ([SIGNED, POLICIES, "-o", "json=x", "-o", "sarif=x"], "two reports cannot go to one file"),
    ([SIGNED, POLICIES, "--trust-polcy", "x"], "did you mean `--trust-policy`?"),
    ([SIGNED, POLICIES, "--fail-on", "never"], "never"),
])  # fmt: skip
def test_each_mistake_is_one_helpful_sentence(arguments: list[object], said: str) -> None:
    ran = policyengine("eval", *arguments)
    assert (ran.code, ran.out) == (2, "")
    errors = [line for line in ran.err.splitlines() if not line.startswith("warning: ")]
    assert said in " ".join(errors)
    assert re.match(r"error\[PE1\d\d\]: [^A-Z\s]", errors[0])
    assert len(errors) <= 2
    assert not errors[0].endswith(".")


def test_policy_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "latin.policy").write_bytes("policy p # caf\xe9".encode("latin-1"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "wrong.policy").write_text("policy p rule r deny")
    for name, said in (("latin.policy", "UTF-8"), ("empty", "no `*.policy` file"), ("wrong.policy", "do not compile")):
        ran = evaluate(CLEAN, policies=tmp_path / name)
        assert (ran.code, ran.out) == (2, "")
        assert said in ran.err


def test_a_trust_policy_with_a_typo_names_the_place(tmp_path: Path) -> None:
    path = tmp_path / "trustpolicy.json"
    path.write_text(TRUST[1].read_text().replace("registryScopes", "registryScope"))
    ran = policyengine("eval", "--oci-layout", CLEAN, POLICIES, "--trust-policy", path)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error[PE130]: ")
    assert "registryScope" in ran.err


def test_policies_that_do_not_compile_are_shown_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "p.policy"
    path.write_text('policy p\nrule r deny "t"\n  forbid finding where finding.sevrity is HIGH\n')
    ran = evaluate(CLEAN, policies=path)
    assert ran.code == 2
    assert "p.policy:3:32" in ran.err
    assert "did you mean `severity`?" in ran.err


# ---------------------------------------------------------------------------- registries that do not answer


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that accepts connections and says nothing, as `host:port`."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        for connection in held:
            connection.close()


def test_a_registry_that_is_not_there_cannot_be_decided() -> None:
    ran = policyengine("eval", "127.0.0.1:1/app:1", POLICIES, *TRUST, "-o", "json")
    assert ran.code == 3
    assert ran.json["reasons"][0]["retry"] is True
    assert ran.err.startswith("error[PE304]: ")


@pytest.mark.parametrize("wrong", [
    ["BROKEN"],
    [str(POLICIES), "--at", "yesterday"],
    [str(POLICIES), "--platform", "linux"],
    [str(POLICIES), "--environment", "none"],
    [str(POLICIES), "--param", "none=1"],
    [str(POLICIES), "--workers", "0"],
    [str(POLICIES), "-o", "nothing"],
    [str(POLICIES), "--trust-policy", "BROKEN"],
])  # fmt: skip
def test_what_is_wrong_is_known_before_anything_is_fetched(wrong: list[str], tmp_path: Path) -> None:
    broken = tmp_path / "broken.policy"
    broken.write_text("policy broken\nrule")
    named = [str(broken) if each == "BROKEN" else each for each in wrong]
    trust = TRUST if "--trust-policy" not in wrong else ()
    with Simulator(Content()) as registry:
        ran = policyengine("eval", f"{registry.host}/app:1", *named, *trust)
        assert registry.seen == []
    assert (ran.code, ran.out) == (2, "")


def test_a_registry_that_says_nothing_ends_with_the_timeout(silent: str) -> None:
    ran = policyengine("eval", f"{silent}/app:1", POLICIES, *TRUST, "--timeout", "1", timeout=20)
    assert ran.code == 3
    assert "COULD NOT DECIDE" in ran.out
