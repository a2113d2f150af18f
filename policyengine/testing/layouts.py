"""`given layout`: the image of an OCI image layout, fetched and verified as an evaluation does it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from policyengine.decision.model import Decision
from policyengine.engine import Request, Terms, decide_about
from policyengine.errors import InvalidReference, PolicyEngineError, UsageError
from policyengine.language.checked import Step, Test
from policyengine.language.policyset import PolicySet
from policyengine.oci import Descriptor, Index, Reference, is_digest, parse_manifest
from policyengine.registry.layout import Layout, parse_layout_reference
from policyengine.testing.stage import content
from policyengine.verification.trust import Trust


def evaluated(test: Test, policies: PolicySet, trust: Trust, at: datetime) -> Decision:
    """The decision about the image in the layout that `test` gives.

    Raises `UsageError` where something else is given beside it: only `given image { repository: … }`, the
    repository that the image stands for, has a meaning there.
    """
    layouts = [step for step in test.steps if step.kind == "layout"]
    others = [step for step in test.steps if step.kind != "layout"]
    if len(layouts) > 1 or not all(map(_names_repository, others)):
        raise UsageError("beside `given layout` only `given image { repository: … }` can be given")
    names = [step.record.values["repository"] for step in others if step.record is not None]
    request = _request(Path(layouts[0].span.path).parent / layouts[0].path, names[-1] if names else "")
    return decide_about(request, Terms(policies, trust, at, test.environment, test.parameters))


def _names_repository(step: Step) -> bool:
    return step.kind == "record" and step.record is not None and step.record.values.keys() == {"repository"}


def _request(written: Path, repository: str) -> Request:
    """The image that `path`, `path@digest` or `path:tag` names."""
    try:
        path, target = parse_layout_reference(str(written))
    except InvalidReference:
        path, target = written, _only_image(written)
    name = Reference.parse(repository) if repository else Reference("", path.name)
    digest, tag = (target, None) if is_digest(target) else (None, target)
    return Request(Reference(name.registry, name.repository, tag, digest), Layout(path))


def _only_image(path: Path) -> str:
    """The digest of the one image of the layout at `path`; raises `UsageError` where there are none or several."""
    layout = Layout(path)
    index = parse_manifest(content(path / "index.json"))
    entries = index.manifests if isinstance(index, Index) else ()
    images = {entry.digest for entry in entries if _is_image(layout, entry)}
    if len(images) != 1:
        raise UsageError(f"the layout `{path}` holds {len(images)} images", "write PATH@sha256:… or PATH:TAG")
    return images.pop()


def _is_image(layout: Layout, entry: Descriptor) -> bool:
    """Whether an entry of the index refers to nothing and is neither a platform of another entry nor an old list."""
    tag = entry.annotations.get("org.opencontainers.image.ref.name", "")
    if entry.platform or entry.artifact_type or tag.startswith(("sha256-", "sha512-")):
        return False
    try:
        manifest = parse_manifest(layout.manifest(entry), entry.media_type)
    except PolicyEngineError:
        return True
    return manifest.subject is None
