"""`--platform` looks at every entry of an index that a container runtime might take for that platform."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from policyengine import Layout
from policyengine.oci import Descriptor
from tests.engine import layouts
from tests.engine.deciding import decided
from tests.engine.layouts import bare, image, opened
from tests.example import build

AMD64 = {"os": "linux", "architecture": "amd64"}


def indexed(folder: Path, *listed: tuple[str, dict[str, str] | None]) -> str:
    """Write an index of images of the example, each with the platform that is stated for it; its digest."""
    with opened(folder) as written:
        entries: list[dict[str, Any]] = [
            image(tag) | ({"platform": platform} if platform is not None else {}) for tag, platform in listed
        ]
        value = {"schemaVersion": 2, "mediaType": build.INDEX, "manifests": entries}
        index = bare(written.blob(build.INDEX, build.compact(value)))
        written.entries.append(index)
    return str(index["digest"])


@pytest.mark.parametrize(
    "platform",
    [
        AMD64,
        {"architecture": "amd64"},
        {"os": "", "architecture": "amd64"},
        {"os": "Linux", "architecture": "AMD64"},
        {"os": "linux", "architecture": "x86_64"},
        {"os": "linux", "architecture": "x86-64"},
        {"os": "linux", "architecture": "amd64", "variant": "v1"},
    ],
    ids=str,
)
def test_another_spelling_of_a_platform_smuggles_no_image_past(platform: dict[str, str], tmp_path: Path) -> None:
    layout = layouts.copied(tmp_path / "layout")
    digest = indexed(layout, ("vulnerable", platform), ("clean", AMD64))

    assert decided(Layout(layout), digest, platform="linux/amd64").decision == "deny"


@pytest.mark.parametrize("platform", [None, {"os": "linux", "architecture": "arm64"}, {}], ids=str)
def test_what_no_runtime_prefers_is_another_platform(platform: dict[str, str] | None, tmp_path: Path) -> None:
    """An entry that states no platform is taken only where none states the right one."""
    layout = layouts.copied(tmp_path / "layout")
    digest = indexed(layout, ("vulnerable", platform), ("clean", AMD64))

    assert decided(Layout(layout), digest, platform="linux/amd64").decision == "allow"
    assert decided(Layout(layout), indexed(layout, ("clean", None)), platform="linux/amd64").decision == "deny"


@pytest.mark.parametrize(
    ("stated", "asked", "taken"),
    [
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/aarch64", "linux/arm64", True),
        ("linux/arm64/8", "linux/arm64/v8", True),
        ("linux/arm", "linux/arm/v7", True),
        ("linux/arm", "linux/arm/v6", False),
        ("linux/armhf", "linux/arm/v7", True),
        ("linux/armel", "linux/arm/v6", True),
        ("linux/arm/v6", "linux/arm", True),
        ("linux/i386", "linux/386", True),
        ("linux/amd64/v3", "linux/amd64", True),
        ("linux/amd64", "linux/amd64/v3", False),
        ("linux/arm64", "linux/arm", False),
        ("macos/arm64", "darwin/arm64", True),
        ("windows/amd64", "linux/amd64", False),
        ("unknown/unknown", "linux/amd64", False),
    ],
)
def test_names_of_platforms(stated: str, asked: str, taken: bool) -> None:
    assert Descriptor("", "", 0, platform=stated).runs_on(asked) is taken
