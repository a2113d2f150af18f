"""Logins in files, as the tests of other clients find them: every row, and where we differ the reason."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from policyengine.errors import Unauthorized, UsageError
from policyengine.registry.credentialhelpers import Login
from policyengine.registry.credentials import Logins, canonical_key, files, hostname, lookup_order
from policyengine.registry.mirrors import configured
from tests.tables import rows

TABLES = "credentials.json"
ORAS, IMAGE = "docker-config-oras-go", "docker-config-containers-image"


def fixture(shared: Path, *names: str) -> Path:
    return shared.joinpath("data/registry/fixtures", *names)


def find(path: Path, name: str) -> Login | None:
    return Logins({}, str(path)).find(name)


def write(path: Path, document: object) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def auths(*keys: str) -> dict[str, Any]:
    return {"auths": {key: {"username": "user", "password": "p"} for key in keys}}


def encoded(username: str, password: str) -> str:
    return base64.b64encode(f"{username}:{password}".encode()).decode()


@pytest.fixture
def helpers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts credential helpers on the path, each of which answers with one document."""

    def install(**answers: Mapping[str, str]) -> None:
        for name, answer in answers.items():
            program = tmp_path / f"docker-credential-{name.replace('_', '-')}"
            program.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
            program.chmod(0o700)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return install


# oras


@pytest.mark.parametrize(
    ("test", "file"),
    [
        ("TestConfig_GetCredential_validConfig", "valid_auths_config.json"),
        ("TestConfig_GetCredential_legacyConfig", "legacy_auths_config.json"),
        ("TestConfig_GetCredential_invalidConfig", "invalid_auths_entry_config.json"),
    ],
)
def test_the_logins_of_oras(test: str, file: str, shared: Path) -> None:
    path = fixture(shared, ORAS, file)
    for case in rows(shared, TABLES, test, "tests"):
        name = f"{hostname(case['serverAddress'])}/app"
        if case.get("wantErr"):
            with pytest.raises(Unauthorized):
                find(path, name)
        elif "://" in case["serverAddress"]:  # a reference has no scheme, so that its registry has one login
            assert find(path, name) == Login("username1", "password1"), case
        else:
            assert fields(find(path, name)) == {key: value for key, value in case["want"].items() if key != "$ident"}


def fields(login: Login | None) -> dict[str, str]:
    """A login by the names that oras has for its parts, without those that are empty."""
    login = login or Login()
    parts = (login.username, login.password, login.identity_token, login.registry_token)
    names = ("Username", "Password", "RefreshToken", "AccessToken")
    return {name: part for name, part in zip(names, parts, strict=True) if part}


def test_files_of_oras_without_logins(shared: Path) -> None:
    for file in ("empty.json", "whitespace.json", "no_auths_config.json"):
        assert find(fixture(shared, ORAS, file), "registry1.example.com/app") is None
    for file in ("bad_config", "invalid_auths_config.json"):
        with pytest.raises(UsageError):
            find(fixture(shared, ORAS, file), "registry1.example.com/app")


def test_the_helpers_of_oras(shared: Path, helpers: Any) -> None:
    helpers(**{f"registry{n}_helper": {"Username": f"registry{n}-helper", "Secret": "s"} for n in (1, 2)})
    for case in rows(shared, TABLES, "TestConfig_GetCredentialHelper"):
        login = find(fixture(shared, ORAS, "credHelpers_config.json"), f"{case['serverAddress']}/app")
        if case["want"]:
            assert login == Login(case["want"], "s")
        elif case["name"] == "Empty cred helper configured":
            assert login == Login("foo", "bar"), "without a helper the file's own entry counts"
        else:
            assert login is None


def test_the_values_of_auth(shared: Path, tmp_path: Path) -> None:
    for case in rows(shared, TABLES, "Test_decodeAuth"):
        path = write(tmp_path / "config.json", {"auths": {"a.com": {"auth": case["authStr"]}}})
        if case.get("wantErr"):
            with pytest.raises(Unauthorized):
                find(path, "a.com/x")
        else:
            login = find(path, "a.com/x") or Login()
            assert (login.username, login.password) == (case.get("username", ""), case.get("password", ""))


# docker


def test_hostnames_of_keys(shared: Path) -> None:
    for case in rows(shared, TABLES, "Test_toHostname"):
        assert hostname(case["addr"]) == case["want"]
    found = {case["input"]: case["expected"] for case in rows(shared, TABLES, "TestConvertToHostname")}
    assert {key: canonical_key(key) for key, host in found.items() if hostname(key) != host} == {
        # neither is the name of a registry, so that no login is found under them
        "unix:///var/run/docker.sock": "",
        "https://::1:6555/v2/": "",
    }


def test_logins_in_a_variable_before_those_in_files(shared: Path, tmp_path: Path) -> None:
    test = "TestGetAllCredentialsFromEnvironment"
    (variable,) = rows(shared, TABLES, test, "expected")
    (file,) = rows(shared, TABLES, test, "fallbackStore")
    (both,) = rows(shared, TABLES, test, "expected2")
    assert rows(shared, TABLES, "TestParseEnvConfig", "expected") == [variable]
    known = {**variable, **file}
    environment = {"DOCKER_AUTH_CONFIG": json.dumps(written(variable)), "DOCKER_CONFIG": str(tmp_path)}
    overruled = {host: {"auth": encoded("x", "y")} for host in variable}
    write(tmp_path / "config.json", {"auths": {**written(file)["auths"], **overruled}})
    for host, entry in known.items():
        assert Logins(environment).find(f"{host}/app") == Login(entry["Username"], entry["Password"])
    assert [host for host in both if host not in known] == ["foo.example.test"], (
        "a login in code there, which we have not"
    )
    assert Logins(environment).find("foo.example.test/app") is None


def written(entries: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    return {"auths": {host: {"auth": encoded(each["Username"], each["Password"])} for host, each in entries.items()}}


def test_logins_in_memory(shared: Path, tmp_path: Path) -> None:
    """Their store takes any text for a login; in a file, which is what we read, `auth` is user and password."""
    for row in rows(shared, TABLES, "TestMemoryStore"):
        for key, entry in row.items():
            name = f"{hostname(key)}/app"
            path = write(tmp_path / "config.json", {"auths": {key: {"auth": entry["Auth"]}}})
            with pytest.raises(Unauthorized, match="base64"):
                find(path, name)
            path = write(
                tmp_path / "config.json", {"auths": {key: {"auth": encoded(entry["Username"], entry["Auth"])}}}
            )
            assert find(path, name) == Login(entry["Username"], entry["Auth"])


# containers/image


def test_the_logins_of_containers_image(shared: Path, helpers: Any, tmp_path: Path) -> None:
    helpers(a={"Username": "foo", "Secret": "bar"}, b={"Username": "<token>", "Secret": "fizzbuzz"})
    from_helpers = write(tmp_path / "helped.json", {"credHelpers": {"registry-a.com": "a", "registry-b.com": "b"}})
    for case in rows(shared, TABLES, "TestGetAuth"):
        key = case.get("key") or "example.com"  # theirs without a name has no login; every image has a name
        path = fixture(shared, IMAGE, case["path"]["args"][1]) if "path" in case else write(tmp_path / "no.json", {})
        given = None
        if "DockerAuthConfig" in case.get("sys", {}):
            login = case["sys"]["DockerAuthConfig"]
            given = (key, login["Username"], login["Password"])
        elif "sys" in case:
            conf = fixture(shared, IMAGE, case["sys"]["SystemRegistriesConfPath"]["args"][1])
            assert configured(str(conf), {}).rules == (), "its helpers are passed over: those of login files are run"
            path = from_helpers
        found = Logins({}, str(path), given).find(key if "/" in key else f"{key}/app") or Login()
        wanted = case["expected"]
        assert found == Login(*(wanted.get(part, "") for part in ("Username", "Password", "IdentityToken"))), case


def test_the_order_of_keys(shared: Path) -> None:
    for case in rows(shared, TABLES, "TestAuthKeyLookupOrder"):
        assert list(lookup_order(case["input"])) == case["expected"]


def test_a_login_of_one_tool_is_found_by_another(shared: Path, tmp_path: Path) -> None:
    for case in rows(shared, TABLES, "TestGetCredentialsInteroperability"):
        path = write(tmp_path / "config.json", auths(case["loginKey"] or "https://index.docker.io/v1/"))
        name = case["queryKey"] if "/" in case["queryKey"] else f"{case['queryKey']}/library/app"
        assert find(path, name) == Login("user", "p"), case
    for case in rows(shared, TABLES, "TestValidateKey", "range2"):
        path = write(tmp_path / "config.json", auths(case["key"]))
        assert find(path, f"{case['key']}/below") == Login("user", "p"), case
        registry = case["key"].partition("/")[0]
        assert (find(path, f"{registry}/elsewhere") is None) == case["isNamespaced"], case


def test_keys_that_nobody_may_write(shared: Path, tmp_path: Path) -> None:
    """A tag or digest in a key is that of no repository; docker writes keys with a scheme, so they are read."""
    names = {}
    for key in rows(shared, TABLES, "TestValidateKey", "range"):
        name = key.removeprefix("https://").partition("@")[0].removesuffix(":tag")
        names[key] = find(write(tmp_path / "config.json", auths(key)), name if "/" in name else f"{name}/app")
    assert {key for key, login in names.items() if login} == {"https://my-registry.local"}


def test_where_podman_has_its_file(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place where podman keeps logins is always among ours; where its folder is not there we go on to the next."""
    home, run = tmp_path / "home", tmp_path / "run"
    default = str(home / ".config/containers/auth.json")
    for case in rows(shared, TABLES, "TestGetPathToAuth"):
        monkeypatch.setattr(sys, "platform", case["os"])
        absent = "$expr" in (case["xrd"] or {})
        xrd = f"{run}/thisdoesnotexist" if absent else str(run) if case["xrd"] else ""
        environment = {"HOME": str(home), "XDG_RUNTIME_DIR": xrd}
        system = case["sys"] or {}
        if case["expectedUserSpecified"]:  # the file of `--registry-config`, in the newer form only
            with pytest.raises(UsageError, match="/absolute/path"):
                Logins(environment, system.get("AuthFilePath") or system["LegacyFormatAuthFilePath"])
            continue
        places = [str(path) for path in files(environment)]
        if case["expected"] == {"$ident": "darwinDefault"}:
            assert default in places
        elif xrd:
            assert places[0] == f"{xrd}/containers/auth.json"
        else:  # theirs may have another root, for images that are built
            assert places[0] == f"/run/containers/{os.getuid()}/auth.json"


# go-containerregistry and cue-labs


def test_the_logins_of_go_containerregistry(shared: Path, tmp_path: Path) -> None:
    names = {"testRepo": "test.io/my-repo", "defaultRegistry": "docker.io/library/x", "testRegistry": "test.io/x"}
    for case in rows(shared, TABLES, "TestVariousPaths"):
        content = case["content"]
        if isinstance(content, dict):
            form, *arguments = content["args"]
            values = [
                "https://index.docker.io/v1/"
                if each == {"$ident": "DefaultAuthKey"}
                else json.dumps(encoded(*each["args"]))
                for each in arguments
            ]
            content = form.replace("%q", "%s") % tuple(values)
        path, name = write(tmp_path / "config.json", content), names[case["target"]["$ident"]]
        if case.get("wantErr"):
            with pytest.raises((Unauthorized, UsageError)):
                find(path, name)
        else:
            login, wanted = find(path, name) or Login(), case["cfg"]
            assert (login.username, login.password) == (wanted.get("Username", ""), wanted.get("Password", "")), case


def test_the_sources_of_cue_labs(shared: Path, tmp_path: Path) -> None:
    """What is there has to be a file of logins; their sources hand over any text."""
    for number, case in enumerate(rows(shared, TABLES, "(file scope)", "tests")):
        path = tmp_path / f"{number}.json"
        logins = Logins({"REGISTRY_AUTH_FILE": str(path)})
        if case["want"] is None:
            assert logins.find("a.com/x") is None, case
        else:
            write(path, case["want"])
            with pytest.raises(Unauthorized):
                logins.find("a.com/x")


def test_two_files_of_cue_labs(shared: Path, tmp_path: Path) -> None:
    """For each host the first file that has a login counts, as they merge two. Their `Auth` is no base64, so only what
    else an entry says is written; the helpers of a file are tried before its entries, and are in no other."""
    for case in rows(shared, TABLES, "(file scope)", "tests2"):
        first = write(tmp_path / "first.json", entries(case["other"]))
        write(tmp_path / "config.json", entries(case["config"]))
        logins = Logins({"REGISTRY_AUTH_FILE": str(first), "DOCKER_CONFIG": str(tmp_path)})
        wanted = case["want"].get("Auths") or {}
        for host in ("foo", "moo"):
            entry = wanted.get(host, {})
            login = Login(entry.get("Username", ""), "", entry.get("IdentityToken", "")) or None
            assert logins.find(f"{host}/app") == login, case


def entries(config: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("Username", "IdentityToken")
    return {
        "auths": {
            host: {name.lower(): entry[name] for name in kept if name in entry}
            for host, entry in (config.get("Auths") or {}).items()
        }
    }
