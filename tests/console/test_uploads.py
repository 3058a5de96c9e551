"""An upload that the web server cannot keep is refused in one line, and nothing of it stays.
[S-1]
"""

from __future__ import annotations

import errno
import os

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile

from campaigns.models import ScoreFile
from tests.support.campaigns import make_campaign, score_file_bytes, score_row
from tests.support.people import client_of, member_of

pytestmark = pytest.mark.django_db


def test_s1_a_full_disk_under_an_upload_is_one_message_and_leaves_no_file(
    settings, tmp_path, monkeypatch
):
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "uploads"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    campaign, client = make_campaign(), client_of(member_of("operator"))
    written: list[int] = []

    def write_until_full(file, data):
        written.append(len(data))
        if sum(written) > 100_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return file.write(data)

    monkeypatch.setattr(
        TemporaryUploadedFile,
        "write",
        property(lambda file: lambda data: write_until_full(file.file, data)),
    )
    content = score_file_bytes(score_row(number) for number in range(5_000))
    answer = client.post(
        f"/admin/campaign/{campaign.campaign_id}/scores/",
        {"file": SimpleUploadedFile("scores.txt", content)},
    )
    assert [str(message) for message in answer.context["messages"]] == [
        (
            "The web server could not store the file (No space left on device). Nothing was saved."
            " Try again later."
        )
    ]
    assert not ScoreFile.objects.exists()
    assert list(settings.FILE_UPLOAD_TEMP_DIR.iterdir()) == []
