"""Files that a command is given on this machine."""

from __future__ import annotations

import pytest

from campaigns.errors import UnreadableFile
from campaigns.management.local_files import opened


def test_a_file_is_opened_for_reading(tmp_path):
    path = tmp_path / "scores.tsv"
    path.write_bytes(b"line\n")
    with opened(path) as file:
        assert file.read() == b"line\n"


def test_a_path_that_cannot_be_read_is_refused_by_name(tmp_path):
    for path, why in ((tmp_path, "Is a directory"), (tmp_path / "absent", "No such file")):
        with pytest.raises(UnreadableFile, match=why) as refusal:
            opened(path)
        assert str(path) in str(refusal.value)
