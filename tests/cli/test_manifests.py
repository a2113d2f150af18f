"""Images that deployments name: none is overlooked, and what cannot be read is said with its place."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyengine import limits
from policyengine.cli.manifests import PODS, Found, images
from policyengine.errors import UsageError

POD = {
    "initContainers": [{"name": "migrate", "image": "r.example.com/migrate:1"}],
    "containers": [{"name": "app", "image": "r.example.com/app:1"}, {"name": "log", "image": "r.example.com/log:1"}],
    "ephemeralContainers": [{"name": "debug", "image": "r.example.com/debug:1"}],
    "volumes": [{"name": "m", "image": {"reference": "r.example.com/model:1"}}, {"name": "t", "emptyDir": {}}],
}
OF_POD = {f"r.example.com/{name}:1" for name in ("migrate", "app", "log", "debug", "model")}


def read(text: str | bytes) -> Found:
    return images(text.encode() if isinstance(text, str) else text, "deploy.yaml")


def names(found: Found) -> list[str]:
    return [each.text for each in found.images]


def workload(kind: str, version: str = "apps/v1") -> dict[str, object]:
    below: dict[str, object] = dict(POD)
    for key in reversed(PODS[kind]):
        below = {key: below}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "web"}, **below}


@pytest.mark.parametrize("kind", PODS)
def test_every_image_of_every_workload(kind: str) -> None:
    found = read(json.dumps(workload(kind)))
    assert set(names(found)) == OF_POD
    assert not found.problems


def test_many_documents_with_comments_and_empty_ones() -> None:
    found = read("""\
# Source: chart/templates/empty.yaml
---
# Source: chart/templates/app.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: app
          image: "r.example.com/app:1"   # the app
---
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {image: none}, ports: [{port: 80}]}
""")
    assert [(each.text, each.place) for each in found.images] == [
        ("r.example.com/app:1", "deploy.yaml:12: container `app` of Deployment `web`")
    ]


@pytest.mark.parametrize("kind", ["List", "PodList"])
def test_lists_as_kubectl_prints_them(kind: str) -> None:
    pod: dict[str, object] = {"spec": POD}
    items = [workload("Deployment"), workload("CronJob", "batch/v1")] if kind == "List" else [pod, pod]
    found = read(json.dumps({"apiVersion": "v1", "kind": kind, "items": items}))
    assert set(names(found)) == OF_POD
    assert len(found.images) == 2 * len(OF_POD)


def test_custom_resources_are_searched() -> None:
    found = read(
        json.dumps(
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Rollout",
                "metadata": {"name": "web", "labels": {"image": "a label"}},
                "spec": {"selector": {"matchLabels": {"image": "x"}}, "template": {"spec": POD}},
            }
        )
    )
    assert set(names(found)) == OF_POD
    found = read("apiVersion: tekton.dev/v1\nkind: Task\nspec: {steps: [{name: a, image: 'r.example.com/kaniko:1'}]}")
    assert names(found) == ["r.example.com/kaniko:1"]
    found = read(
        "apiVersion: db/v1\nkind: Cluster\nspec: {imageName: 'r.example.com/pg:16', baseImage: 'b:1', rawImage: x}"
    )
    assert sorted(names(found)) == ["b:1", "r.example.com/pg:16"]


def test_a_workload_of_another_group_hides_nothing() -> None:
    found = read("apiVersion: evil.example.com/v1\nkind: ConfigMap\ndata: {spec: {image: 'r.example.com/x:1'}}")
    assert names(found) == ["r.example.com/x:1"]
    found = read("apiVersion: evil.example.com/v1\nkind: Pod\nspec: {steps: [{image: 'r.example.com/x:1'}]}")
    assert names(found) == ["r.example.com/x:1"]


def test_words_that_are_no_images() -> None:
    rest = """
---
apiVersion: v1
kind: ConfigMap
data: {image: "some text", containers: "[]"}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec: {versions: [{schema: {openAPIV3Schema: {properties: {image: {type: string}}}}}]}
"""
    assert set(names(read(json.dumps(workload("Pod", "v1")) + rest))) == OF_POD


def test_compose_files_with_merged_maps() -> None:
    found = read("""\
x-base: &base
  image: r.example.com/app:1
  restart: always
services:
  web:
    <<: *base
    ports: ["80:80"]
  worker: {<<: [*base], image: "r.example.com/worker@sha256:aa", profiles: [batch]}
  data:
    image: r.example.com/db:1
    volumes: [{type: image, source: "r.example.com/seed:1", target: /seed}, "data:/var"]
""")
    assert names(found) == [
        "r.example.com/app:1", "r.example.com/worker@sha256:aa", "r.example.com/db:1", "r.example.com/seed:1",
    ]  # fmt: skip
    assert not found.problems


HEAD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n"


@pytest.mark.parametrize(("text", "said"), [
    (HEAD + "  containers: [{name: a}]", "deploy.yaml:5: container `a` of Pod `p` names no image"),
    (HEAD + "  containers: [{name: a, image: }]", "names no image"),
    (HEAD + "  containers: [{name: a, image: ''}]", "names no image"),
    (HEAD + "  containers: [{name: a, image: [x]}]", "the image of container `a` of Pod `p` is not a text"),
    (HEAD + "  containers: [{name: a, image: '${IMAGE}'}]", "`${IMAGE}` of container `a` of Pod `p` is a template"),
    (HEAD + "  containers: [{name: a, image: 'app:{{ .Values.tag }}'}]", "is a template that nobody filled in"),
    (HEAD + "  containers: [{name: a, image: 'app:$TAG'}]", "is a template"),
    (HEAD + "  containers: [{name: a, image: 'app:$(params.tag)'}]", "is a template"),
    (HEAD + "  containers: {a: b}", "`containers` of Pod `p` is not a list"),
    (HEAD + "  containers: [text]", "a container of Pod `p` names no image"),
    (HEAD + "  container: [{image: 'a:1'}]", "deploy.yaml:1: Pod `p` has no containers"),
    (HEAD + "  containers: []\n  volumes: [{name: m, image: {}}]", "a volume of Pod `p` names no image"),
    ("apiVersion: v1\nkind: List", "this list has no items"),
    ("apiVersion: v1\nkind: List\nitems: [{spec: {}}]", "does not say of which kind"),
    ("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nimages: []", "names its images elsewhere"),
    ("apiVersion: x/v1\nkind: App\nspec: {image: {repository: r, tag: t}}", "the image of a `App` is not a text"),
    ("services: {web: {build: .}}", "deploy.yaml:1: service `web` is built and names no image"),
    ("services: {web: {ports: []}}", "service `web` names no image"),
    ("services: {web: {image: 'app:${TAG:-1}'}}", "is a template"),
    ("services: {}", "`services` holds no service"),
    ("include: [other.yaml]\nservices: {web: {image: 'a:1'}}", "`include` names files that are not read"),
    ("image: {repository: r}", "neither a Kubernetes object nor a Compose file"),
    ("- a\n- b", "this is not a manifest"),
])  # fmt: skip
def test_what_may_name_an_image_and_cannot_be_read_is_told(text: str, said: str) -> None:
    found = read(text)
    assert said in str(found.problems[0])


def test_every_problem_is_told_and_the_readable_rest_is_found() -> None:
    found = read(HEAD + "  containers: [{name: a}, {name: b, image: 'b:1'}, {name: c, image: '$C'}]")
    assert names(found) == ["b:1"]
    assert [str(problem)[:28] for problem in found.problems] == [
        "deploy.yaml:5: container `a`",
        "deploy.yaml:5: the image `$C",
    ]


@pytest.mark.parametrize(("text", "said"), [
    ("", "deploy.yaml names no image"),
    ("# nothing\n---\n", "names no image"),
    ("apiVersion: v1\nkind: Service", "names no image"),
    ("services: {a: {image: x}, a: {image: y}}", "deploy.yaml:1: the key `a` stands here a second time"),
    ('{"services": {"a": {"image": "x"}, "a": {"image": "y"}}}', "the key `a` stands here a second time"),
    ("services:\n  a: {image: !!str x}", "deploy.yaml:2: the tag `tag:yaml.org,2002:str`"),
    ("services:\n  a: {image: !reset null}", "the tag `!reset` says how to read a value"),
    ("a: !!python/object/apply:os.system [id]", "is not obeyed"),
    ("a: *b", "the alias `*b` stands for nothing before it"),
    ("a: &a [*a]", "the alias `*a` stands for nothing before it"),
    ("<<: text", "`<<` merges something that is not a map"),
    ("? [a, b]\n: c", "a key is not a text"),
    ("image: {{ .Values.image }}", "a key is not a text"),
    ("{{- if .Values.on }}\nkind: Pod\n{{- end }}", "this is not YAML"),
    ("a: b: c", "deploy.yaml:1: this is not YAML: mapping values are not allowed"),
    ("a:\n\t- b", "this is not YAML"),
    ("a: \x07", "it holds a character that YAML has not"),
    ("[" * 5000, "nested more than 100 deep"),
    ("- " * 5000, "nested more than 100 deep"),
])  # fmt: skip
def test_texts_that_cannot_be_read_in_one_way(text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(text)
    assert said in str(raised.value)


def test_another_encoding() -> None:
    with pytest.raises(UsageError, match="byte 1 is not UTF-8"):
        read("services: {}".encode("utf-16"))
    assert names(read(b"\xef\xbb\xbfservices: {a: {image: x}}")) == ["x"]


def test_aliases_of_aliases_cost_no_more_than_they_take_to_write() -> None:
    lines = ["a0: &a0 {image: 'r.example.com/x:1'}"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 60)]
    started = time.monotonic()
    found = read("apiVersion: x/v1\nkind: Bomb\n" + "\n".join(lines))
    assert names(found) == ["r.example.com/x:1"]
    assert time.monotonic() - started < 20  # spelt out it would be ten to the sixtieth


def test_merged_maps_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "YAML_NODES", 1000)
    base = "{" + ", ".join(f"k{n}: v" for n in range(100)) + "}"
    with pytest.raises(UsageError, match="more than 1000 values"):
        read(f"base: &b {base}\n" + "\n".join(f"m{n}: {{<<: *b}}" for n in range(20)))


def test_many_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "YAML_NODES", 1000)
    for text in ("[" + "1," * 2000 + "1]", "- 1\n" * 2000):
        with pytest.raises(UsageError, match="more than 1000 values"):
            read(text)


@given(st.text(alphabet="{}[]:,&*!?-<'\"# \n\tabimage$|>%@`", max_size=80))
def test_no_text_is_taken_for_nothing(text: str) -> None:
    """Whatever is given, there is an image, a problem, or an error."""
    try:
        found = read(text)
    except UsageError:
        return
    assert found.images or found.problems


def test_a_key_before_a_merge_that_brings_it_in_too_is_refused() -> None:
    """The reader of kubectl lets what is merged win there, and most others what is written."""
    text = """\
apiVersion: v1
kind: Pod
metadata: {annotations: &other {image: r.example.com/other:1}}
spec:
  containers:
    - name: app
      image: r.example.com/app:1
      <<: *other
"""
    with pytest.raises(UsageError, match=r"^deploy.yaml:7: `<<` brings in the key `image`"):
        read(text)
    first = text.replace("      image: r.example.com/app:1\n", "") + "      image: r.example.com/app:1\n"
    assert names(read(first)) == ["r.example.com/app:1"]


@pytest.mark.parametrize(
    "below",
    [
        "sidecarImage: {repository: r.example.com/other, tag: '1'}",
        "other: {image: {reference: r.example.com/a:1, image: r.example.com/other:1}}",
    ],
)
def test_no_image_in_an_image_is_passed_over(below: str) -> None:
    found = read(f"apiVersion: example.com/v1\nkind: App\nspec:\n  image: r.example.com/a:1\n  {below}\n")
    assert found.problems or "r.example.com/other:1" in names(found)


def test_what_stands_beside_the_items_of_a_list_is_looked_at_too() -> None:
    text = "apiVersion: example.com/v1\nkind: WorkList\nitems: []\nspec: {image: r.example.com/other:1}\n"
    assert names(read(text)) == ["r.example.com/other:1"]
