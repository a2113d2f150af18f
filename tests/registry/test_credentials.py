"""Logins in the files of docker and podman, and from helpers. Other clients' tables are in `test_credential_tables`."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from policyengine.errors import Unauthorized, UsageError
from policyengine.registry import credentialhelpers
from policyengine.registry.credentialhelpers import Login
from policyengine.registry.credentials import Logins, files

SECRET = "c2VjcmV0LXRva2Vu"


def find(path: Path, name: str) -> Login | None:
    return Logins({}, str(path)).find(name)


def write(path: Path, document: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def auths(**entries: str) -> dict[str, Any]:
    return {"auths": {key: {"username": user, "password": "p"} for key, user in entries.items()}}


# Where files are


def test_the_order_of_files(tmp_path: Path) -> None:
    environment = {
        "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json"),
        "XDG_RUNTIME_DIR": str(tmp_path / "run"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "DOCKER_CONFIG": str(tmp_path / "docker"),
        "HOME": str(tmp_path / "home"),
    }
    places = list(files(environment))
    assert [str(path.relative_to(tmp_path)) for path in places] == [
        "auth.json",
        "run/containers/auth.json",
        "config/containers/auth.json",
        "docker/config.json",
        "home/.dockercfg",
    ]
    for number, path in reversed(list(enumerate(places))):
        entries = auths(**{"a.com": f"user{number}"})
        write(path, entries["auths"] if path.name == ".dockercfg" else entries)
        login = Logins(environment).find("a.com/x")
        assert login is not None
        assert login.username == f"user{number}"
    environment["DOCKER_AUTH_CONFIG"] = json.dumps(auths(**{"a.com": "inline"}))
    assert Logins(environment).find("a.com/x") == Login("inline", "p")
    chosen = write(tmp_path / "chosen.json", {})
    assert Logins(environment, str(chosen)).find("a.com/x") is None, "a file that is named is the only one"


def test_without_a_home_there_are_no_files() -> None:
    assert [path for path in files({}) if not path.is_relative_to("/run/containers")] == []
    assert Logins({}).find("a.com/x") is None


def test_the_next_file_is_asked_where_one_has_no_login(tmp_path: Path) -> None:
    write(tmp_path / ".config/containers/auth.json", auths(**{"b.com": "podman"}))
    write(tmp_path / ".docker/config.json", auths(**{"a.com": "docker"}))
    assert Logins({"HOME": str(tmp_path)}).find("a.com/x") == Login("docker", "p")


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("registry.example.co", "registry.example.com/app"),
        ("registry.example.com", "registry.example.com.evil.com/app"),
        ("registry.example.com/team", "registry.example.com/teammate/app"),
        ("registry.example.com/team", "registry.example.com/app"),
        ("registry.example.com:5000", "registry.example.com/app"),
        ("https://registry.example.com", "registry.example.com:5000/app"),
        ("index.docker.io", "index.docker.io.evil.com/app"),
        ("https://index.docker.io/v1/", "registry.example.com/app"),
    ],
)
def test_a_login_is_for_its_own_registry(key: str, name: str, tmp_path: Path) -> None:
    assert find(write(tmp_path / "config.json", auths(**{key: "user"})), name) is None


# One name for each registry, in files too


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("registry.example.com:443", "registry.example.com/app"),
        ("Registry.Example.com", "registry.example.com/app"),
        ("https://registry.example.com/", "registry.example.com/app"),
        ("https://registry.example.com:443/v2/", "registry.example.com/team/app"),
        ("http://registry.example.com", "registry.example.com/app"),
        ("registry.example.com/", "registry.example.com/app"),
        ("registry.example.com/v1/", "registry.example.com/app"),
        ("registry.example.com:443/team", "registry.example.com/team/app"),
        ("registry.example.com:05000", "registry.example.com:5000/app"),
        ("[0:0:0:0:0:0:0:1]:5000", "[::1]:5000/app"),
        ("docker.io", "docker.io/library/nginx"),
        ("index.docker.io", "docker.io/library/nginx"),
        ("https://index.docker.io/v1/", "docker.io/acme/app"),
        ("https://index.docker.io/v1", "docker.io/acme/app"),
        ("https://registry-1.docker.io", "docker.io/acme/app"),
        ("docker.io/acme", "docker.io/acme/app"),
        ("index.docker.io/acme", "docker.io/acme/app"),
    ],
)
def test_the_spellings_of_a_key(key: str, name: str, tmp_path: Path) -> None:
    assert find(write(tmp_path / "config.json", auths(**{key: "user"})), name) == Login("user", "p")


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("registry.example.com:80", "registry.example.com/app"),
        ("registry.example.com.", "registry.example.com/app"),
        ("docker.io/acme", "docker.io/acmecorp/app"),
        ("docker.io/acme", "docker.io/library/nginx"),
        ("docker.io:5000", "docker.io/library/nginx"),
        ("https://hub.docker.com/v2/", "docker.io/acme/app"),
        ("docker.io.example.com", "docker.io/acme/app"),
        ("example.com", "registry.example.com/app"),
        ("*.example.com", "registry.example.com/app"),
        ("user@registry.example.com", "registry.example.com/app"),
        ("https://user@registry.example.com/", "registry.example.com/app"),
        ("https://evil.example/registry.example.com", "registry.example.com/app"),
        ("registry.example.com/team/app/deeper", "registry.example.com/team/app"),
        ("", "registry.example.com/app"),
        ("https://", "registry.example.com/app"),
    ],
)
def test_what_is_no_spelling_of_a_key(key: str, name: str, tmp_path: Path) -> None:
    assert find(write(tmp_path / "config.json", auths(**{key: "user"})), name) is None


def test_the_nearest_key_counts_and_the_exact_one_before_another_spelling(tmp_path: Path) -> None:
    entries = {
        "https://registry.example.com": "docker",
        "registry.example.com:443": "port",
        "registry.example.com": "exact",
        "registry.example.com/team": "team",
        "registry.example.com/team/app": "app",
    }
    path = write(tmp_path / "config.json", auths(**entries))
    assert [
        (find(path, f"registry.example.com/{name}") or Login()).username for name in ("team/app", "team/b", "x")
    ] == [*("app", "team", "exact")]


def test_an_empty_entry_is_none(tmp_path: Path) -> None:
    """Docker leaves one for every registry whose login a store keeps."""
    document = {
        "auths": {"a.com/team": {}, "a.com": {"username": "u", "password": "p"}, "https://index.docker.io/v1/": {}}
    }
    path = write(tmp_path / "config.json", document)
    assert find(path, "a.com/team/x") == Login("u", "p")
    assert find(path, "docker.io/library/x") is None


# Logins for one host


GIVEN = {
    "POLICYENGINE_REGISTRY_HOST": "registry.example.com",
    "POLICYENGINE_REGISTRY_USERNAME": "ci",
    "POLICYENGINE_REGISTRY_PASSWORD": "from-the-environment",
}


def test_a_login_in_variables_is_for_its_host_only() -> None:
    logins = Logins(GIVEN)
    assert logins.find("registry.example.com/app") == Login("ci", "from-the-environment")
    for other in ("docker.io/library/app", "example.com/app", "registry.example.com:5000/app", "localhost:5000/app"):
        assert logins.find(other) is None


def test_what_is_said_more_closely_comes_first(tmp_path: Path) -> None:
    path = write(tmp_path / "config.json", auths(**{"registry.example.com": "file", "other.example.com": "file"}))
    environment = {**GIVEN, "DOCKER_AUTH_CONFIG": json.dumps(auths(**{"registry.example.com": "inline"}))}
    given = ("Registry.Example.com:443", "option", "p")
    assert (Logins(environment, given=given).find("registry.example.com/a") or Login()).username == "option"
    assert (Logins(environment).find("registry.example.com/a") or Login()).username == "ci"
    assert (Logins(environment, str(path)).find("registry.example.com/a") or Login()).username == "file"
    assert (Logins(environment, str(path), given).find("other.example.com/a") or Login()).username == "file"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"POLICYENGINE_REGISTRY_HOST": ""}, "HOST is not set"),
        ({"POLICYENGINE_REGISTRY_HOST": "https://registry.example.com"}, "not the name of a host"),
        ({"POLICYENGINE_REGISTRY_HOST": "registry.example.com/team"}, "not the name of a host"),
        ({"POLICYENGINE_REGISTRY_HOST": "*"}, "not the name of a host"),
        ({"POLICYENGINE_REGISTRY_USERNAME": ""}, "no user name"),
        ({"POLICYENGINE_REGISTRY_PASSWORD": ""}, "no password"),
    ],
)
def test_half_a_login_in_variables(changes: dict[str, str], reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        Logins(GIVEN | changes)
    assert "from-the-environment" not in repr(caught.value)


@pytest.mark.parametrize("user", ["<token>", "00000000-0000-0000-0000-000000000000"])
def test_users_whose_password_is_a_refresh_token(user: str) -> None:
    assert Login(user, "refresh").refresh_token == "refresh"
    assert Login("user", "password").refresh_token == ""
    assert Login("user", "password", "identity").refresh_token == "identity"


# What is broken


@pytest.mark.parametrize(
    "document",
    [
        "[]",
        "{",
        '{"auths":{},"auths":{}}',
        {"auths": []},
        {"auths": {"a.com": []}},
        {"auths": {"a.com": {"auth": 7}}},
        {"auths": {"a.com": {"auth": SECRET}}},
        {"auths": {"a.com": {"auth": f"!{SECRET}"}}},
        {"auths": {"a.com": {"identitytoken": [SECRET]}}},
        {"credHelpers": {"a.com": "../../bin/sh"}},
        {"credHelpers": {"a.com": ["sh", "-c", "true"]}},
        {"credHelpers": {"a.com": "x; rm -rf"}},
        {"credsStore": "not-installed-anywhere"},
        {"credHelpers": "x"},
    ],
)
def test_a_broken_file_is_an_error_that_tells_no_secret(document: object, tmp_path: Path) -> None:
    path = write(tmp_path / "config.json", document)
    with pytest.raises(Unauthorized) as caught:
        Logins({"DOCKER_CONFIG": str(tmp_path)}).find("a.com/x")
    assert SECRET not in repr(caught.value)
    with pytest.raises((Unauthorized, UsageError)) as named:
        find(path, "a.com/x")
    assert named.value.message == caught.value.message


@pytest.mark.parametrize("document", ["[]", "{", '{"auths":{},"auths":{}}', {"auths": []}, {"credHelpers": "x"}])
def test_a_file_that_the_user_names_is_read_at_once(document: object, tmp_path: Path) -> None:
    """Before anything is asked for, so that it is wrong use; a broken entry is found when its registry is asked."""
    path = write(tmp_path / "config.json", document)
    with pytest.raises(UsageError):
        Logins({}, str(path))


def test_a_broken_entry_of_another_registry_does_not_matter(tmp_path: Path) -> None:
    path = write(tmp_path / "config.json", {"auths": {"b.com": 7, "a.com": {"username": "u", "password": "p"}}})
    assert find(path, "a.com/x") == Login("u", "p")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(UsageError, match="not a file"):
            Logins({}, str(path))
    huge = write(tmp_path / "config.json", " " * (2 * 1024 * 1024))
    with pytest.raises(UsageError, match="bytes"):
        Logins({}, str(huge))
    with pytest.raises(Unauthorized, match="bytes"):
        Logins({"DOCKER_CONFIG": str(tmp_path)}).find("a.com/x")


def test_a_login_does_not_show_itself() -> None:
    login = Login("user", SECRET, SECRET, SECRET)
    assert SECRET not in repr(login) + str(login) + repr([login]) + f"{login!r}" + repr(login.__rich_repr__())
    assert not Login()


# Helpers


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a helper called `test` on the path, which runs a line of shell."""

    def install(script: str) -> Path:
        path = tmp_path / "bin/docker-credential-test"
        write(path, f"#!/bin/sh\n{script}\n").chmod(stat.S_IRWXU)
        monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
        return write(tmp_path / "config.json", {"credHelpers": {"a.com": "test"}, "auths": {"b.com": {}}})

    return install


def test_a_helper_is_asked(helper: Any) -> None:
    config = helper('read key; test "$1 $key" = "get a.com" && echo \'{"Username":"u","Secret":"s","ServerURL":"x"}\'')
    assert find(config, "a.com/x") == Login("u", "s")
    assert find(config, "b.com/x") is None


def test_a_helper_may_answer_with_an_identity_token(helper: Any) -> None:
    assert find(helper('echo \'{"Username":"<token>","Secret":"s"}\''), "a.com/x") == Login(identity_token="s")


def test_a_helper_may_have_nothing(helper: Any) -> None:
    assert find(helper('echo "credentials not found in native keychain"; exit 1'), "a.com/x") is None
    assert find(helper('echo \'{"Username":"","Secret":""}\''), "a.com/x") is None


@pytest.mark.parametrize(
    "script", ["exit 1", f"echo {SECRET}", f"echo {SECRET}; exit 3", "echo '[]'", "echo '{\"Secret\":7}'"]
)
def test_a_helper_that_fails_is_an_error_that_tells_no_secret(script: str, helper: Any) -> None:
    with pytest.raises(Unauthorized, match="credential helper") as caught:
        find(helper(script), "a.com/x")
    assert SECRET not in repr(caught.value)


def test_a_helper_has_limited_time_and_output(helper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentialhelpers, "SECONDS", 0.3)
    start = time.monotonic()
    with pytest.raises(Unauthorized, match="longer than"):
        find(helper("exec sleep 60"), "a.com/x")
    with pytest.raises(Unauthorized):
        find(helper("head -c 1000000 /dev/zero"), "a.com/x")
    assert time.monotonic() - start < 30


def test_the_store_for_all_hosts_comes_after_the_helper_for_one(helper: Any, tmp_path: Path) -> None:
    helper('read key; echo "{\\"Username\\":\\"$key\\",\\"Secret\\":\\"s\\"}"')
    config = write(tmp_path / "config.json", {"credsStore": "test", **auths(**{"a.com": "file"})})
    assert find(config, "a.com/x") == Login("a.com", "s")
    assert find(config, "docker.io/library/x") == Login("https://index.docker.io/v1/", "s")


def test_a_helper_is_for_its_host_however_it_is_typed(helper: Any, tmp_path: Path) -> None:
    helper('read key; printf \'{"Username":"%s","Secret":"p"}\' "$key"')
    for key in ("Registry.Example.com:443", "https://registry.example.com"):
        path = write(tmp_path / "config.json", {"credHelpers": {key: "test"}})
        assert find(path, "registry.example.com/a") == Login(key, "p")
        assert find(path, "registry.example.com.evil.com/a") is None


def test_a_host_may_be_kept_out_of_the_store(helper: Any, tmp_path: Path) -> None:
    helper("exit 1")
    entries = {"credsStore": "test", "credHelpers": {"a.com": ""}, **auths(**{"a.com": "file"})}
    path = write(tmp_path / "config.json", entries)
    assert find(path, "a.com/x") == Login("file", "p")
    with pytest.raises(Unauthorized):
        find(path, "b.com/x")


@pytest.mark.parametrize(
    ("entry", "login"),
    [
        ({"auth": "dXNlcjpwYXNz\n"}, Login("user", "pass")),
        ({"auth": "dXNlcjpw\r\nYXNz"}, Login("user", "pass")),
        ({"auth": "dXNlcjpwOmE6c3M="}, Login("user", "p:a:ss")),
        ({"auth": "dXNlcjpwYXNzAAA="}, Login("user", "pass")),
        ({"auth": "dXNlcjpww6Rzcw=="}, Login("user", "p\u00e4ss")),
        ({"auth": "dXNlcjpwYXNz", "username": "other", "password": "other"}, Login("user", "pass")),
        ({"auth": "", "username": "user", "password": "pass"}, Login("user", "pass")),
        ({"auth": None, "username": "user", "password": "pass", "email": 7}, Login("user", "pass")),
        ({"auth": "dXNlcjo=", "identitytoken": "t"}, Login("user", "", "t")),
        ({"registrytoken": "t"}, Login(registry_token="t")),
    ],
)
def test_forms_of_an_entry(entry: dict[str, Any], login: Login, tmp_path: Path) -> None:
    assert find(write(tmp_path / "config.json", {"auths": {"a.com": entry}}), "a.com/x") == login


@pytest.mark.parametrize("auth", ["dXNlcg==", "dXNlcjpwYXN", "dXNlcjpwYXNz!", "_-__", "/w==", " dXNlcjpwYXNz"])
def test_an_auth_that_cannot_be_read(auth: str, tmp_path: Path) -> None:
    with pytest.raises(Unauthorized, match="base64"):
        find(write(tmp_path / "config.json", {"auths": {"a.com": {"auth": auth}}}), "a.com/x")
