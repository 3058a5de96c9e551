"""The manifest of a fan list tells of each upload and its score file. [S-15]"""

from __future__ import annotations

import gzip
import hashlib

import pytest

from tests.campaigns.ranks.rank_cases import (
    MANIFEST,
    manifest,
    process_ranks,
    ranks_of,
    receive_ranks,
)
from tests.support.campaigns import make_campaign
from tests.support.score_files import read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "pack", [lambda content: content, gzip.compress, lambda content: b"\xef\xbb\xbf" + content]
)
def test_the_upload_is_kept_as_it_came_and_the_manifest_tells_of_it(pack):
    """[S-15]"""
    content = pack(ranks_of(3, "4,fan-4,note").replace(b"\n", b"\r\n"))
    score_file = process_ranks(make_campaign("tour"), content, name="top fans.csv")
    folder = f"fanlist/received/club/{hashlib.sha256(content).hexdigest()[:12]}"
    uploaded = f"{folder}/top-fans.csv" + (".gz" if content[:1] == b"\x1f" else "")
    assert read(uploaded) == content
    assert (score_file.key, score_file.manifest_key) == (
        "fanlist/scored/club/top-fans.txt",
        MANIFEST,
    )
    listed = manifest()
    assert (listed["fanlist_id"], listed["campaign_id"]) == ("club", "tour")
    (entry,) = listed["files"]
    assert entry["file"] == uploaded
    assert (entry["sha256"], entry["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert entry["score_file"] == {
        "number": score_file.pk,
        "attempt": 1,
        "key": score_file.key,
        "sha256": hashlib.sha256(read(score_file.key)).hexdigest(),
    }


def test_two_files_of_one_name_lie_side_by_side_and_the_newest_is_last():
    campaign = make_campaign()
    receive_ranks(campaign, ranks_of(2))
    receive_ranks(campaign, ranks_of(3))
    first, second = manifest()["files"]
    assert read(first["file"]) == ranks_of(2)
    assert read(second["file"]) == ranks_of(3)
    assert first["score_file"]["key"] != second["score_file"]["key"]
