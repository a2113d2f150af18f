"""Several images in one run: from the command line, from lists, from manifests; decided at once, told together."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from policyengine.registry.client import Registry
from policyengine.registry.repository import Repository
from tests.cli.example import CLEAN, VULNERABLE, evaluate
from tests.cli.served import example, trusting
from tests.command import HEEDING, START, Finished, policyengine
from tests.example import AT, POLICIES
from tests.simulator.registry import Fault, Simulator


@pytest.fixture
def registry() -> Iterator[Simulator]:
    with Simulator(example()) as simulator:
        yield simulator


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """The example's policies, for a registry on this machine."""
    text = (POLICIES / "order-api.policy").read_text()
    file = tmp_path / "here.policy"
    file.write_text(text.partition("\ntest ")[0].replace("registry.example.com/", "127.0.0.1:*/"))
    return file


def decide(registry: Simulator, policies: Path, *arguments: object, **more: str) -> Finished:
    trust = trusting(policies.parent, f"{registry.host}/prod/order-api")
    return policyengine("eval", "--at", AT, *trust, policies, *arguments, cwd=None, timeout=60, **more)


def pod(*names: str) -> str:
    containers = [{"name": f"c{number}", "image": name} for number, name in enumerate(names)]
    return json.dumps(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": containers}}
    )


def test_images_of_all_sources_make_one_report_and_each_is_decided_once(
    registry: Simulator, policies: Path, tmp_path: Path
) -> None:
    image = f"{registry.host}/prod/order-api"
    listed, deployed = tmp_path / "images.txt", tmp_path / "pod.json"
    listed.write_text(f"# what runs\n\n{image}:vulnerable  # the old one\r\n{image}:clean\n")
    deployed.write_text(pod(f"{image}:clean", f"{image}:missing"))
    ran = decide(registry, policies, f"{image}:clean", "--from-file", listed, "--from-manifest", deployed, "-o", "json")
    assert ran.code == 3, ran.err
    told = [(each["subject"]["reference"].partition("@")[0], each["decision"]) for each in ran.json["decisions"]]
    assert told == [(f"{image}:clean", "allow"), (f"{image}:vulnerable", "deny"), (f"{image}:missing", "error")]
    assert "error[PE301]" in ran.err
    assert Counter(registry.paths())["prod/order-api/manifests/clean"] == 1


def test_the_exit_code_is_the_worst(registry: Simulator, policies: Path) -> None:
    image = f"{registry.host}/prod/order-api"
    assert decide(registry, policies, f"{image}:clean", f"{image}:clean").code == 0
    ran = decide(registry, policies, f"{image}:clean", f"{image}:vulnerable")
    assert ran.code == 1
    assert "2 images: 1 allowed, 1 denied" in ran.out
    assert decide(registry, policies, f"{image}:clean", f"{image}:vulnerable", "--no-fail").code == 0
    assert decide(registry, policies, f"{image}:clean", f"{image}:none", "--no-fail").code == 3


def test_one_image_that_cannot_be_had_does_not_hide_the_others(registry: Simulator, policies: Path) -> None:
    registry.faults.append(Fault("manifests/slow", "status", 503))
    image = f"{registry.host}/prod/order-api"
    ran = decide(
        registry, policies, f"{image}:slow", f"{image}:clean", f"{image}:vulnerable", "--timeout", 3, "-o", "json"
    )
    assert [each["decision"] for each in ran.json["decisions"]] == ["error", "allow", "deny"]
    assert ran.code == 3


def test_workers_are_for_all_images_together() -> None:
    for images, each in ((1, 8), (3, 2), (20, 1)):
        with Registry(workers=8, images=images) as registry:
            repository = registry.repository("registry.example.com/app")
            assert isinstance(repository, Repository)
            assert repository._workers == each


def test_the_number_of_workers_changes_no_report(registry: Simulator, policies: Path, tmp_path: Path) -> None:
    listed = tmp_path / "images"
    listed.write_text("\n".join(f"{registry.host}/prod/order-api{number}:clean" for number in range(12)))
    ran = decide(registry, policies, "--from-file", listed, "--workers", 3, "-o", "json")
    assert len(ran.json["decisions"]) == 12
    single = decide(registry, policies, "--from-file", listed, "--workers", 1, "-o", "json")
    assert single.out == ran.out


def test_a_list_on_standard_input_is_a_list_though_it_has_one_line(registry: Simulator, policies: Path) -> None:
    trust = trusting(policies.parent, f"{registry.host}/prod/order-api")
    command = [sys.executable, "-c", START, "eval", "--at", AT, *trust, str(policies), "-o", "json", "--from-file", "-"]
    given = f"{registry.host}/prod/order-api:clean\n"
    ran = subprocess.run(command, input=given, capture_output=True, text=True, check=False, env=os.environ)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert [each["decision"] for each in json.loads(ran.stdout)["decisions"]] == ["allow"]


def test_lists_are_recorded_and_not_given_again(tmp_path: Path) -> None:
    (tmp_path / "images").write_text(f"{CLEAN}\n{VULNERABLE}\n")
    assert evaluate("--from-file", tmp_path / "images", "--record", tmp_path / "record.tar").code == 1
    assert policyengine("eval", "--replay", tmp_path / "record.tar").code == 1
    ran = policyengine("eval", "--replay", tmp_path / "record.tar", "--from-file", tmp_path / "images")
    assert (ran.code, "--from-file cannot be given" in ran.err) == (2, True)


def test_layouts_may_be_listed(tmp_path: Path) -> None:
    (tmp_path / "images").write_text(f"{CLEAN}\n{VULNERABLE}\n")
    ran = evaluate("--from-file", tmp_path / "images", "-o", "json")
    assert [each["decision"] for each in ran.json["decisions"]] == ["allow", "deny"]
    (tmp_path / "pod").write_text(pod("r.example.com/app:1"))
    assert "--oci-layout asks for layouts" in evaluate("--from-manifest", tmp_path / "pod").err


# ---------------------------------------------------------------------------- wrongly


@pytest.mark.parametrize(("option", "text", "said"), [
    ("--from-file", "", "images names no image"),
    ("--from-file", "# nothing\n\n", "images names no image"),
    ("--from-file", "r.example.com/a:1 r.example.com/b:1", "images:1: more than one word stands on this line"),
    ("--from-file", "\nr.example.com/App:1", "is not an image reference"),
    ("--from-file", "r.example.com/app", '"r.example.com/app" names neither a tag nor a digest'),
    ("--from-file", "r.example.com/a:1\x1b[2J", "holds a character that no reference has"),
    ("--from-file", "\xff", "is not an image reference"),
    ("--from-manifest", pod("nginx"), 'container `c0` of Pod `p`: "docker.io/library/nginx" names neither a tag'),
    ("--from-manifest", pod("${IMAGE}"), "is a template that nobody filled in"),
    ("--from-manifest", "kind: {{ .Values.kind }}", "a key is not a text"),
    ("--from-manifest", "apiVersion: v1\nkind: Service", "images names no image"),
])  # fmt: skip
def test_wrong_sources_stop_the_run_before_anything_is_fetched(
    option: str, text: str, said: str, policies: Path, tmp_path: Path
) -> None:
    (tmp_path / "images").write_text(text, encoding="utf-8")
    ran = policyengine("eval", policies, option, tmp_path / "images")
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "\x1b" not in ran.err


def test_all_problems_of_a_manifest_are_told(policies: Path, tmp_path: Path) -> None:
    (tmp_path / "pod").write_text(pod("${A}", "r.example.com/a:1", "nginx", "r.example.com/B:1"))
    ran = policyengine("eval", policies, "--from-manifest", tmp_path / "pod")
    assert ran.code == 2
    assert ran.err.count("error[") == 3


def test_sources_that_cannot_be_read(policies: Path, tmp_path: Path) -> None:
    ran = policyengine("eval", policies, "--from-file", tmp_path)
    assert (ran.code, "is a directory" in ran.err) == (2, True)
    ran = policyengine("eval", policies, "--from-manifest", tmp_path / "none")
    assert (ran.code, "no such file or directory" in ran.err) == (2, True)
    ran = policyengine("eval", policies, "--from-manifest", "-", "--from-file", "-")
    assert (ran.code, "standard input can be read once only" in ran.err) == (2, True)
    (tmp_path / "images").write_text("r.example.com/a:1")
    ran = policyengine("eval", "--from-file", tmp_path / "images")
    assert (ran.code, "no policy was named" in ran.err) == (2, True)


# ---------------------------------------------------------------------------- on a terminal


def on_a_terminal(command: list[str], **environment: str) -> tuple[int, str, str]:
    """The exit code, standard output and what a terminal saw as standard error."""
    main, end = pty.openpty()
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=end, text=True, env=os.environ | {"TERM": "xterm", **environment}
        )
        out = process.communicate(timeout=60)[0]
        os.set_blocking(main, False)
        try:
            seen = os.read(main, 1 << 16).decode()
        except BlockingIOError:
            seen = ""
    finally:
        os.close(main)
        os.close(end)
    return process.returncode, out, seen


def test_a_terminal_sees_progress_which_is_gone_in_the_end(registry: Simulator, policies: Path) -> None:
    trust = trusting(policies.parent, f"{registry.host}/prod/order-api")
    images = [f"{registry.host}/prod/order-api:{tag}" for tag in ("clean", "vulnerable")]
    command = [sys.executable, "-c", START, "eval", "--at", AT, *trust, str(policies), *images]
    code, out, seen = on_a_terminal(command, COLUMNS="100")
    assert code == 1
    assert "2 of 2 images · 1 allowed · 1 denied" in seen
    assert seen.endswith("\r\x1b[K")
    assert "images ·" not in out
    assert on_a_terminal([*command, "-q"])[2] == ""
    assert on_a_terminal(command, TERM="dumb")[2] == ""
    assert on_a_terminal(command[:-1])[2] == ""


def test_ctrl_c_ends_a_run_over_several_images_at_once(policies: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        names = [f"127.0.0.1:{silent.getsockname()[1]}/app{number}" for number in range(4)]
        images = [f"{name}@sha256:{'0' * 64}" for name in names]  # each of which has threads of its own
        command = [*HEEDING, sys.executable, "-c", START, "eval", str(policies), *images, "--timeout", "600"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
        silent.settimeout(30)
        connection, _ = silent.accept()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        connection.close()
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err


def test_a_folder_that_is_called_like_an_image_does_not_take_its_place(tmp_path: Path) -> None:
    """The folder may lie among the sources: it would be read as policies, and the image would not be decided about."""
    image = f"127.0.0.1:1/prod/order-api@sha256:{'0' * 64}"
    hiding = tmp_path / image
    hiding.mkdir(parents=True)
    (hiding / "any.policy").write_text('policy any "Any"\nrule any deny "any"\n  require image.digest is present\n')
    ran = policyengine("eval", image, "127.0.0.1:1/prod/other:1", POLICIES, cwd=tmp_path)
    assert ran.code == 2
    assert "names an image, and a file or folder that is here" in ran.err
