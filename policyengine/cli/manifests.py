"""The images that deployments name: Kubernetes manifests, what Helm and kubectl print, Compose files.

A gate that overlooks an image lets it through. So whatever may name one and cannot be read is a problem that is told,
never passed over: a template that was not filled in, a container without an image, a file that includes another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from policyengine.cli.yamltree import Node, documents
from policyengine.errors import UsageError
from policyengine.evidence.problems import quoted

RENDER = "name what `helm template`, `kustomize build` or `docker compose config` makes of it"

POD = ("spec",)
TEMPLATE = ("spec", "template", "spec")
PODS = {
    "Pod": POD,
    "PodTemplate": ("template", "spec"),
    "ReplicationController": TEMPLATE,
    "ReplicaSet": TEMPLATE,
    "Deployment": TEMPLATE,
    "StatefulSet": TEMPLATE,
    "DaemonSet": TEMPLATE,
    "Job": TEMPLATE,
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
"""Where the pod of each kind of Kubernetes' own workloads is."""

GROUPS = frozenset({"v1", "apps/v1", "batch/v1", "batch/v1beta1", "apps/v1beta1", "apps/v1beta2", "extensions/v1beta1"})
"""The `apiVersion` of those kinds; the same name in another group is something else."""

CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
NO_IMAGES = {"ConfigMap": "v1", "Secret": "v1", "CustomResourceDefinition": "apiextensions.k8s.io/v1"}
"""Kinds that hold texts and schemas of others, where the word `image` names nothing that runs, with their version."""
NO_IMAGES_BELOW = frozenset({"metadata", "labels", "matchLabels", "selector", "annotations", "nodeSelector", "rbd"})
"""Keys below which the key `image` is somebody's label, or the name of a disk."""

LIKE_IMAGE = re.compile(r"\w+Image|imageName|imageRef|imageReference")
"""Other keys by which operators name images; their values count where they look like a reference."""

TEMPLATED = re.compile(r"\$\{|\$\(|\{\{|\$[A-Za-z_]|<[^>]*>")


class Named(Struct, frozen=True):
    """A reference as it was written, and where: a file and line, and what runs it."""

    text: str
    place: str


class Found(Struct):
    """What was found in one place: references, and what might name another and cannot be read."""

    images: list[Named] = []
    problems: list[UsageError] = []

    def add(self, node: Node | None, place: str, what: str) -> None:
        """Take the reference that `node` holds, or say why it holds none."""
        if node is None or node.empty or node.text == "":
            self.refuse(place, f"{what} names no image", RENDER)
        elif node.text is None:
            self.refuse(place, f"the image of {what} is not a text", RENDER)
        elif TEMPLATED.search(node.text):
            self.refuse(place, f"the image {quoted(node.text)} of {what} is a template that nobody filled in", RENDER)
        else:
            self.images.append(Named(node.text.strip(), f"{place}: {what}"))

    def refuse(self, place: str, what: str, help: str = "") -> None:
        """Note a problem."""
        self.problems.append(UsageError(f"{place}: {what}", help))


def images(data: bytes, name: str) -> Found:
    """Every image that the manifests in `data` name; `name` is the file's, for messages.

    Raises `UsageError` where the text as a whole cannot be read.
    """
    found = Found()
    for document in documents(data, name):
        _document(found, document, name)
    if not found.images and not found.problems:
        raise UsageError(f"{name} names no image", "is it the right file? nothing was decided")
    return found


def _document(found: Found, document: Node, name: str) -> None:
    if document.fields is None:
        found.refuse(_at(name, document), "this is not a manifest, which is a map of keys")
    elif "kind" in document.fields and "apiVersion" in document.fields:
        _Object(found, name).read(document, "")
    elif "services" in document.fields:
        _Compose(found, name).read(document)
    else:
        found.refuse(_at(name, document), "this is neither a Kubernetes object nor a Compose file", RENDER)


def _at(name: str, node: Node | None) -> str:
    return f"{name}:{node.line}" if node is not None and node.line else name


# ---------------------------------------------------------------------------- Kubernetes


class _Object(Struct, frozen=True):
    """Reads one object of Kubernetes, and those in a list of them."""

    found: Found
    name: str

    def read(self, node: Node, kind: str) -> None:
        """Take the images of one object; `kind` is what a list says of it, where it does not say so itself."""
        stated = node.get("kind")
        kind = stated.text if stated is not None and stated.text else kind
        if node.fields is None or not kind:
            self.found.refuse(_at(self.name, node), "this object does not say of which kind it is")
        elif kind == "Kustomization":
            self.found.refuse(_at(self.name, node), "a Kustomization names its images elsewhere", RENDER)
        elif kind == "List" or (kind.endswith("List") and "items" in node.fields):
            self._list(node, kind.removesuffix("List"))
        elif kind in PODS and self._group(node) in (*GROUPS, ""):
            self._pod(node.get(*PODS[kind]), _object(node, kind), node)
        elif self._group(node) != NO_IMAGES.get(kind, "none"):
            self._search(node, _object(node, kind))

    def _group(self, node: Node) -> str:
        version = node.get("apiVersion")
        return (version.text or "") if version is not None else ""

    def _list(self, node: Node, kind: str) -> None:
        items = node.get("items")
        if items is None or items.items is None:
            self.found.refuse(_at(self.name, node), "this list has no items")
            return
        for item in items.items:
            self.read(item, kind)
        beside = {key: below for key, below in (node.fields or {}).items() if key != "items"}
        self._search(Node(node.line, fields=beside), "a list")

    def _pod(self, pod: Node | None, owner: str, node: Node) -> None:
        """A pod's containers of all sorts, and the images that it mounts."""
        if pod is None or pod.fields is None or pod.get("containers") is None:
            self.found.refuse(_at(self.name, node), f"{owner} has no containers", RENDER)
            return
        for key in CONTAINERS:
            self._containers(pod.get(key), key, owner)
        volumes = pod.get("volumes")
        for volume in (volumes.items or []) if volumes is not None else []:
            mounted = volume.get("image")
            if mounted is not None:
                self.found.add(mounted.get("reference"), _at(self.name, mounted), f"a volume of {owner}")

    def _containers(self, containers: Node | None, key: str, owner: str) -> None:
        if containers is None or containers.empty:
            return
        if containers.items is None:
            self.found.refuse(_at(self.name, containers), f"`{key}` of {owner} is not a list")
            return
        for container in containers.items:
            self._image(container, f"{_called(container, 'a container')} of {owner}")

    def _image(self, node: Node, what: str) -> None:
        image = node.get("image")
        self.found.add(image, _at(self.name, image or node), what)

    def _search(self, root: Node, owner: str) -> None:
        """Images anywhere in an object of a kind that is not known here; each node is looked at once."""
        waiting, seen = [root], set[int]()
        while waiting:
            node = waiting.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            fields = node.fields or {}
            for key in CONTAINERS:
                each = fields.get(key)
                if each is not None and each.items is not None:
                    self._containers(each, key, owner)
                    seen |= {id(container) for container in each.items}
                    waiting += [below for container in each.items for below in (container.fields or {}).values()]
            if "image" in fields:
                self._custom(fields["image"], owner)
            for key, below in fields.items():
                if LIKE_IMAGE.fullmatch(key) and below.get("repository") is not None:
                    self.found.add(below, _at(self.name, below), f"`{key}` of {owner}")
                if LIKE_IMAGE.fullmatch(key) and below.text and ("/" in below.text or ":" in below.text):
                    self.found.add(below, _at(self.name, below), f"`{key}` of {owner}")
            waiting += [below for key, below in fields.items() if key not in NO_IMAGES_BELOW]
            waiting += node.items or ()

    def _custom(self, image: Node, owner: str) -> None:
        mounted = image.get("reference")
        self.found.add(mounted or image, _at(self.name, image), owner)


def _object(node: Node, kind: str) -> str:
    name = node.get("metadata", "name")
    return f"{kind} {quoted(name.text)}" if name is not None and name.text else f"a {quoted(kind)}"


def _called(node: Node, otherwise: str) -> str:
    name = node.get("name")
    return f"container {quoted(name.text)}" if name is not None and name.text else otherwise


# ---------------------------------------------------------------------------- Compose


class _Compose(Struct, frozen=True):
    """Reads one Compose file."""

    found: Found
    name: str

    def read(self, document: Node) -> None:
        """Take the image of every service."""
        services, include = document.get("services"), document.get("include")
        if include is not None and not include.empty:
            self.found.refuse(_at(self.name, include), "`include` names files that are not read", RENDER)
        if services is None or not services.fields:
            self.found.refuse(_at(self.name, services), "`services` holds no service")
            return
        for name, service in services.fields.items():
            self._service(service, f"service {quoted(name)}")

    def _service(self, service: Node, what: str) -> None:
        image = service.get("image")
        place = _at(self.name, image or service)
        if image is None and service.get("build") is not None:
            help = "give it an `image`, build and push it, and decide about that"
            self.found.refuse(place, f"{what} is built and names no image", help)
        else:
            self.found.add(image, place, what)
        for volume in self._volumes(service):
            self.found.add(volume.get("source"), _at(self.name, volume), f"a volume of {what}")

    def _volumes(self, service: Node) -> Iterator[Node]:
        """The volumes whose content is an image's."""
        volumes = service.get("volumes")
        for volume in (volumes.items or []) if volumes is not None else []:
            kind = volume.get("type")
            if kind is not None and kind.text == "image":
                yield volume
