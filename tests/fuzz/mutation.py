"""Damage by chance, to texts and bytes: for fuzzers that begin with good input."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

BYTES = (0x00, 0x09, 0x0A, 0x22, 0x5C, 0x7B, 0x7F, 0x80, 0xFF)
"""Bytes that mean something to a parser."""


def damaged(random: Random, data: bytes, most: int = 4) -> bytes:
    """`data` with up to `most` changes: bytes flipped, set, cut out, said twice, or moved."""
    found = bytearray(data)
    for _ in range(random.randint(1, most)):
        at = random.randrange(len(found) + 1)
        end = min(len(found), at + random.choice((1, 1, 2, 4, 16, 64, 256)))
        match random.randrange(5):
            case 0 if at < len(found):
                found[at] ^= 1 << random.randrange(8)
            case 1 if at < len(found):
                found[at] = random.choice(BYTES)
            case 2:
                del found[at:end]
            case 3:
                found[at:at] = found[at:end]
            case _:
                piece = found[at:end]
                del found[at:end]
                to = random.randrange(len(found) + 1)
                found[to:to] = piece
    return bytes(found)


def rearranged(random: Random, words: Sequence[str], others: Sequence[str], most: int = 3) -> list[str]:
    """`words` with up to `most` of them left out, said twice, exchanged, or one of `others` instead."""
    found = list(words)
    for _ in range(random.randint(1, most)):
        if not found:
            break
        at, other = random.randrange(len(found)), random.randrange(len(found))
        match random.randrange(5):
            case 0:
                del found[at]
            case 1:
                found.insert(at, found[other])
            case 2:
                found[at], found[other] = found[other], found[at]
            case 3:
                found[at] = found[other]
            case _:
                found[at] = random.choice(others)
    return found
