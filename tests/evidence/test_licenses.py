from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.evidence.licenselist import versions_from
from policyengine.evidence.licenses import (
    LicenseSet,
    equal,
    license_set,
    member_of,
    parse,
    permitted_by,
    problem,
    requires_any,
)
from tests.evidence.patience import soon

U = None


def permitted(text: str | None, *allowed: str) -> bool | None:
    return permitted_by(parse(text), license_set(allowed))


def required(text: str | None, *forbidden: str) -> bool | None:
    return requires_any(parse(text), license_set(forbidden))


CASES = [
    ("MIT", ["MIT"], True),
    ("mit", ["MIT"], True),
    ("MIT", ["ISC"], False),
    ("MIT OR GPL-3.0-only", ["MIT"], True),
    ("mit or gpl-3.0-only", ["MIT"], True),
    ("MIT AND GPL-3.0-only", ["MIT"], False),
    ("MIT AND (GPL-2.0-only OR Apache-2.0)", ["MIT", "Apache-2.0"], True),
    ("(MIT OR GPL-3.0-only) AND AGPL-3.0-only", ["MIT"], False),
    ("MIT OR GPL-3.0-only AND AGPL-3.0-only", ["MIT"], True),
    ("GPL-2.0-only WITH Classpath-exception-2.0", ["GPL-2.0-only"], True),
    ("GPL-2.0-only WITH Classpath-exception-2.0", ["GPL-2.0-only WITH Classpath-exception-2.0"], True),
    ("GPL-2.0-only", ["GPL-2.0-only WITH Classpath-exception-2.0"], False),
    ("GPL-3.0-only WITH Classpath-exception-2.0", ["GPL-2.0-only WITH Classpath-exception-2.0"], False),
    ("GPL-2.0-or-later WITH Classpath-exception-2.0", ["GPL-3.0-only"], True),
    ("GPL-2.0-or-later WITH Classpath-exception-2.0", ["GPL-3.0-only WITH Classpath-exception-2.0"], True),
    ("GPL-2.0-with-classpath-exception", ["GPL-2.0-only WITH Classpath-exception-2.0"], True),
    ("GPL-2.0-or-later", ["GPL-3.0-only"], True),
    ("GPL-2.0+", ["GPL-3.0-only"], True),
    ("GPL-2.0-only", ["GPL-3.0-only"], False),
    ("GPL-3.0-or-later", ["GPL-2.0-only"], False),
    ("GPL-3.0-only", ["GPL-2.0-or-later"], True),
    ("GPL-3.0-or-later", ["GPL-2.0-or-later"], True),
    ("GPL-2.0-only", ["GPL-3.0-or-later"], False),
    ("GPL-2.0-or-later", ["LGPL-3.0-only"], False),
    ("GPL-2.0", ["GPL-2.0-only"], True),
    ("GPL-2.0-only", ["GPL-2.0"], True),
    ("Apache-1.1+", ["Apache-2.0"], True),
    ("Apache-2.0+", ["Apache-2.0"], True),
    ("Apache-2.0", ["Apache-1.1+"], True),
    ("BSD-2-Clause+", ["BSD-3-Clause"], False),
    ("MIT+", ["MIT-0"], False),
    ("StandardML-NJ", ["SMLNJ"], True),
    ("LicenseRef-acme", ["MIT"], False),
    ("LicenseRef-acme", ["LicenseRef-acme"], True),
    ("LicenseRef-Acme", ["LicenseRef-acme"], True),
    ("DocumentRef-x:LicenseRef-acme", ["LicenseRef-acme"], False),
    ("NONE", ["MIT"], False),
    ("None", ["MIT"], U),
    ("NOASSERTION", ["MIT"], U),
    ("", ["MIT"], U),
    ("see the file LICENSE", ["MIT"], U),
    ("MIT, BSD-3-Clause", ["MIT", "BSD-3-Clause"], U),
    ("MIT/Apache-2.0", ["MIT", "Apache-2.0"], U),
    ("GPL v2", ["GPL-2.0-only"], U),
    ("Apache-2.0 AND NOASSERTION", ["Apache-2.0"], U),
    ("Apache-2.0 AND NOASSERTION", ["MIT"], False),
    ("MIT OR NOASSERTION", ["MIT"], True),
    ("MIT OR Frobnicate", ["ISC"], U),
    ("NOASSERTION OR NOASSERTION", ["MIT"], U),
    ("MIT WITH Commons-Clause", ["MIT"], U),
    ("MIT WITH AdditionRef-acme", ["MIT"], U),
    ("MIT WITH AdditionRef-acme", ["MIT WITH AdditionRef-acme"], True),
    ("GPL-2.0-only+", ["GPL-2.0-only"], U),
    ("MIT AND", ["MIT"], U),
    ("MIT ISC", ["MIT", "ISC"], U),
    ("(MIT", ["MIT"], U),
    ("MIT WITH", ["MIT"], U),
    ("AND", ["MIT"], U),
    ("(MIT) WITH Classpath-exception-2.0", ["MIT"], U),
    ("MIT And ISC", ["MIT", "ISC"], U),
    ("МIT", ["MIT"], U),  # the first letter is Cyrillic
]


@pytest.mark.parametrize(("text", "allowed", "answer"), CASES)
def test_what_a_set_permits(text: str, allowed: list[str], answer: bool | None) -> None:
    assert permitted(text, *allowed) is answer


@pytest.mark.parametrize(
    ("text", "forbidden", "answer"),
    [
        ("AGPL-3.0-only", ["AGPL-3.0-only"], True),
        ("MIT OR AGPL-3.0-only", ["AGPL-3.0-only"], False),
        ("MIT AND AGPL-3.0-only", ["AGPL-3.0-only"], True),
        ("(MIT OR GPL-3.0-only) AND AGPL-3.0-only", ["AGPL-3.0-only"], True),
        ("AGPL-3.0-only OR SSPL-1.0", ["AGPL-3.0-only", "SSPL-1.0"], True),
        ("AGPL-3.0-only WITH Classpath-exception-2.0", ["AGPL-3.0-only"], True),
        ("AGPL-3.0-only", ["AGPL-3.0-only WITH Classpath-exception-2.0"], False),
        ("AGPL-3.0", ["AGPL-3.0-only"], True),
        ("AGPL-3.0-or-later", ["AGPL-3.0-only"], True),  # no later version exists that would do instead
        ("GPL-2.0-or-later", ["GPL-2.0-only"], False),
        ("GPL-2.0-or-later", ["GPL-2.0-only", "GPL-3.0-only"], True),
        ("GPL-3.0-only", ["GPL-2.0-or-later"], True),
        ("NONE", ["AGPL-3.0-only"], False),
        ("NOASSERTION", ["AGPL-3.0-only"], U),
        ("AGPL", ["AGPL-3.0-only"], U),
        ("MIT AND Frobnicate", ["AGPL-3.0-only"], U),
        ("AGPL-3.0-only AND Frobnicate", ["AGPL-3.0-only"], True),
        ("MIT OR Frobnicate", ["AGPL-3.0-only"], False),
        ("AGPL-3.0-only OR Frobnicate", ["AGPL-3.0-only"], U),
        ("AGPL-3.0-only WITH Commons-Clause", ["AGPL-3.0-only"], True),
        ("MIT WITH Commons-Clause", ["AGPL-3.0-only"], U),
        ("LicenseRef-acme", ["AGPL-3.0-only"], False),
    ],
)
def test_what_cannot_be_avoided(text: str, forbidden: list[str], answer: bool | None) -> None:
    assert required(text, *forbidden) is answer


def test_an_expression_prints_as_the_document_states_it() -> None:
    assert str(parse("mit  OR ( gpl-2.0+ )")) == "mit  OR ( gpl-2.0+ )"


def test_the_same_licence_in_other_words_is_equal() -> None:
    assert equal(parse("MIT OR (Apache-2.0 OR MIT)"), parse("apache-2.0 or mit")) is True
    assert equal(parse("GPL-2.0+"), parse("GPL-2.0-or-later")) is True
    assert equal(parse("GPL-2.0-only"), parse("GPL-2.0-or-later")) is False
    assert equal(parse("MIT AND ISC"), parse("MIT OR ISC")) is False
    assert equal(parse("NONE"), parse("NONE")) is True
    assert equal(parse("NONE"), parse("MIT")) is False
    assert equal(parse("MIT OR NOASSERTION"), parse("MIT OR NOASSERTION")) is None
    assert equal(parse("NOASSERTION"), parse("MIT")) is None


def test_membership_makes_no_choice() -> None:
    listed = license_set(["MIT", "GPL-3.0-only", "GPL-2.0-only WITH Classpath-exception-2.0"])
    assert member_of(parse("mit"), listed) is True
    assert member_of(parse("GPL-3.0"), listed) is True
    assert member_of(parse("GPL-3.0-or-later"), listed) is False
    assert member_of(parse("GPL-2.0-with-classpath-exception"), listed) is True
    assert member_of(parse("MIT OR ISC"), listed) is False
    assert member_of(parse("NONE"), listed) is False
    assert member_of(parse("MIT OR Frobnicate"), listed) is None
    assert member_of(None, listed) is None


def test_sets_add_subtract_and_intersect_by_what_a_licence_is() -> None:
    one, other = license_set(["MIT", "GPL-2.0"]), license_set(["gpl-2.0-only", "ISC"])
    assert list(one | other) == ["GPL-2.0-only", "ISC", "MIT"]
    assert list(one - other) == ["MIT"]
    assert list(one & other) == ["GPL-2.0-only"]
    assert (one | other) == (other | one)
    assert hash(one | other) == hash(other | one)
    assert list(license_set(["Apache-2.0+", "LicenseRef-X", "GPL-2.0-with-font-exception"])) == [
        "Apache-2.0+",
        "GPL-2.0-only WITH Font-exception-2.0",
        "LicenseRef-x",
    ]


def test_expressions_travel_between_processes() -> None:
    stated = parse("MIT OR (GPL-2.0-only AND ISC)")
    assert pickle.loads(pickle.dumps(stated)) == stated


@pytest.mark.parametrize("text", ["MIT", "gpl-2.0+", "LicenseRef-a", "GPL-2.0-only with Classpath-exception-2.0"])
def test_simple_licences_are_members(text: str) -> None:
    assert problem(text) is None


@pytest.mark.parametrize(
    ("text", "words", "suggestion"),
    [
        ("MTI", "`MTI` is not an SPDX licence id", "MIT"),
        ("GPLv2", "not an SPDX licence id", "GPL-2.0-only"),
        ("Apache 2", "not an SPDX licence expression", "Apache-2.0"),
        ("apache2", "not an SPDX licence id", "Apache-2.0"),
        ("licenseref-acme", "not an SPDX licence id", "LicenseRef-acme"),
        ("MIT OR GPL-2.0-only", "`MIT OR GPL-2.0-only` is an expression", None),
        ("(MIT)", "is an expression", None),
        ("GPL-2.0-only WITH Claspath-exception-2.0", "not an SPDX licence exception",
         "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("GLP-2.0-only WITH Classpath-exception-2.0", "`GLP-2.0-only` is not an SPDX licence id",
         "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("NONE", "names no licence", None),
        ("NOASSERTION", "names no licence", None),
        ("", "names no licence", None),
        ("MIT AND (", "not an SPDX licence expression", None),
        ("a\nb", r"`a\u{a}b`", None),
    ],
)  # fmt: skip
def test_a_wrong_member_is_named_with_what_was_meant(text: str, words: str, suggestion: str | None) -> None:
    found = problem(text)
    assert found is not None
    assert words in found.message
    assert found.suggestion == suggestion
    with pytest.raises(ValueError) as raised:
        license_set([text])
    assert words in str(raised.value)


def test_where_an_expression_is_wanted_one_may_stand() -> None:
    assert problem("MIT OR ISC", expression=True) is None
    assert problem("NONE", expression=True) is None
    assert problem("MIT OR Frobnicate", expression=True) is not None
    assert problem("NOASSERTION", expression=True) is not None


def test_hostile_expressions_end_at_once_and_are_unknown() -> None:
    with soon():
        assert parse("(" * 8_000 + "MIT" + ")" * 8_000) is None
        assert parse("(" * 101 + "MIT" + ")" * 101) is None
        assert parse("(" * 100 + "MIT" + ")" * 100) is not None
        assert parse(" AND ".join(["MIT"] * 100_000)) is None
        assert permitted(" AND ".join(["MIT"] * 2_000), "MIT") is True
        nested = "MIT"
        for index in range(90):
            nested = f"({nested} {'AND' if index % 2 else 'OR'} ISC OR LicenseRef-{index})"
        assert permitted(nested, "MIT") is False


def test_many_different_texts_do_not_fill_the_memory() -> None:
    allowed = license_set(["MIT"])
    for index in range(10_000):
        assert allowed.permits[f"LicenseRef-{index}"] is False
    assert len(allowed.permits) <= 8_192


def test_only_versions_with_a_dot_are_versions() -> None:
    assert versions_from("apache-1.1") == ("apache-1.1", "apache-2.0")
    assert versions_from("lppl-1.3a") == ("lppl-1.3a", "lppl-1.3c")
    assert versions_from("gfdl-1.2-invariants") == ("gfdl-1.2-invariants", "gfdl-1.3-invariants")
    assert versions_from("bsd-2-clause") == ("bsd-2-clause",)
    assert versions_from("cc-by-3.0-us") == ("cc-by-3.0-us",)


SIMPLE = ["MIT", "ISC", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "Apache-1.1+",
          "Apache-2.0", "GPL-2.0-only WITH Classpath-exception-2.0", "LicenseRef-a"]  # fmt: skip
MEMBERS = st.lists(st.sampled_from(SIMPLE), min_size=1, max_size=5, unique=True)
LEAVES = st.sampled_from([*SIMPLE, "NOASSERTION", "Frobnicate", "MIT WITH Commons-Clause"])
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda operator, parts: f"({f' {operator} '.join(parts)})",
        st.sampled_from(["AND", "OR"]),
        st.lists(inner, min_size=2, max_size=3),
    ),
    max_leaves=8,
)
ORDER = {False: 0, None: 1, True: 2}


@settings(max_examples=100, deadline=None)
@given(EXPRESSIONS, MEMBERS, MEMBERS)
def test_a_larger_set_permits_and_requires_no_less(text: str, some: list[str], more: list[str]) -> None:
    small, large = license_set(some), license_set(some) | license_set(more)
    assert not (small.permits[text] is True and large.permits[text] is not True)
    assert ORDER[small.permits[text]] <= ORDER[large.permits[text]]
    assert ORDER[small.requires[text]] <= ORDER[large.requires[text]]


@settings(max_examples=100, deadline=None)
@given(EXPRESSIONS, EXPRESSIONS, MEMBERS)
def test_and_and_or_are_those_of_kleene(one: str, other: str, members: list[str]) -> None:
    listed = license_set(members)
    both, either = f"{one} AND {other}", f"{one} OR {other}"
    pair = [ORDER[listed.permits[one]], ORDER[listed.permits[other]]]
    assert ORDER[listed.permits[both]] == min(pair)
    assert ORDER[listed.permits[either]] == max(pair)
    pair = [ORDER[listed.requires[one]], ORDER[listed.requires[other]]]
    assert ORDER[listed.requires[both]] == max(pair)
    assert ORDER[listed.requires[either]] == min(pair)


@settings(max_examples=100, deadline=None)
@given(EXPRESSIONS, MEMBERS)
def test_who_cannot_avoid_a_set_and_has_only_choices_is_permitted_by_it(text: str, members: list[str]) -> None:
    listed = license_set(members)
    choice = text.replace(" AND ", " OR ").replace(" WITH Commons-Clause", "")
    if listed.requires[choice] is True:
        assert listed.permits[choice] is True


@settings(max_examples=100, deadline=None)
@given(EXPRESSIONS, MEMBERS, st.sampled_from(["MIT", "GPL-3.0-only", "LicenseRef-b"]))
def test_learning_what_was_unknown_never_turns_a_definite_answer(text: str, members: list[str], fact: str) -> None:
    listed: LicenseSet = license_set(members)
    known = text.replace("NOASSERTION", fact).replace("Frobnicate", fact).replace("MIT WITH Commons-Clause", fact)
    if parse(text) is not None and "Commons" not in text:
        assert listed.permits[text] in (None, listed.permits[known])
        assert listed.requires[text] in (None, listed.requires[known])


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="()MITAND OR WITH+-.LicenseRef\x00é\n", max_size=40))
def test_any_text_is_read_or_refused_and_never_raises(text: str) -> None:
    stated = parse(text)
    assert stated is None or str(stated) == text
    assert problem(text, expression=True) is None or permitted(text, "MIT") in (None, True, False)
