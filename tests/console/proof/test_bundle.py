"""The proof bundle: the same bytes for the same presale, and no secrets in it. [S-10]"""

from __future__ import annotations

import zipfile
from pathlib import Path

from tests.console.proof.bundle_cases import DRAW, make_bundle


def test_a_bundle_is_the_same_bytes_for_the_same_presale(tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        make_bundle(tmp_path / name, 200)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_bundle_holds_neither_salt_nor_ids(bundle: Path) -> None:
    """[S-10]"""
    with zipfile.ZipFile(bundle) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert DRAW.seed.hex().encode() in everything
    assert DRAW.salt.hex().encode() not in everything
    assert b"fan-1-" not in everything
