"""The zip files that the checker reads. [X-14]"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from waves.second_count.zip_files import json_of, sha256_of, write_entry


def written(target: Path) -> bytes:
    with zipfile.ZipFile(target, "w") as archive:
        write_entry(archive, "rules.json", [json_of({"b": 1, "a": 2})])
        write_entry(archive, "fans.tsv", iter([b"one\n", b"two\n"]))
    return target.read_bytes()


def test_x14_the_same_content_is_the_same_bytes_whenever_it_is_written(tmp_path, monkeypatch):
    first = written(tmp_path / "first.zip")
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert written(tmp_path / "second.zip") == first
    assert sha256_of(tmp_path / "first.zip") == hashlib.sha256(first).hexdigest()
    with zipfile.ZipFile(tmp_path / "first.zip") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.read("fans.tsv") == b"one\ntwo\n"
