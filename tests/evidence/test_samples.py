"""Every sample is a good document, so that what is changed in one has something to break."""

from __future__ import annotations

import pytest

from policyengine.evidence import formats
from tests.evidence.samples import SOURCE, check, good


@pytest.mark.parametrize("family", good())
def test_every_sample_is_read(family: str) -> None:
    for data in good()[family]:
        reading = formats.read(data, SOURCE)
        assert reading.records or reading.facts
        check(data)
