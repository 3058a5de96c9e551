"""Rows of erased fans do not stay in the files that they came in. [X-11]"""

from __future__ import annotations

import gzip
import io

import pytest

from campaigns.draw import Draw
from campaigns.intake import arrivals
from campaigns.models import Arrival, FanList
from campaigns.scoring import forgetting, score_files
from datalake.erased.fans import mark
from datalake.storage import buckets
from tests.support.campaigns import SALT, SEED, make_campaign, score_file_bytes, score_row

pytestmark = pytest.mark.django_db(transaction=True)


def taken(key: str, content: bytes):
    """What a service dropped, taken in and processed; and its bytes as they are kept."""
    buckets.scoring().put(key, io.BytesIO(content))
    found = buckets.scoring().found(key)
    job = arrivals.note(found)
    score_file = arrivals.take(job.pk)
    done = score_files.process(score_files.open_job(score_file, by=None).pk)
    return done, buckets.scoring().open(done.key).read()


@pytest.mark.parametrize("packed", [False, True])
def test_x11_of_a_dropped_file_the_kept_copy_is_rewritten_and_the_dropped_one_deleted(packed):
    campaign = make_campaign()
    mark("fan-1")
    rows = [score_row(1), score_row(2)]
    key = f"scored/{campaign.campaign_id}.1.txt{'.gz' if packed else ''}"
    done, kept = taken(key, score_file_bytes(rows, packed=packed))
    reference = Draw(campaign.campaign_id, SEED, SALT).fan_ref("fan-1")
    name = {"global_user_id": f"erased:{reference}.0", "raw_local_fanscore": "0.5"}
    left = dict.fromkeys(score_row(1), "") | name
    unpacked = gzip.decompress(kept) if packed else kept
    assert unpacked == score_file_bytes([left, rows[1]])
    assert not buckets.scoring().exists(key)
    assert done.state == "streamed"


def test_x11_what_was_dropped_again_meanwhile_and_files_without_such_rows_stay():
    campaign = make_campaign()
    key, content = f"scored/{campaign.campaign_id}.1.txt", score_file_bytes([score_row(2)])
    _, kept = taken(key, content)
    assert kept == content
    assert buckets.scoring().exists(key)
    arrival = Arrival.objects.get()
    arrival.version = "another"
    forgetting._delete_dropped(arrival)
    assert buckets.scoring().exists(key)


def test_x11_ranks_are_rewritten_too_and_keep_their_ranks():
    campaign = make_campaign()
    mark("fan-1")
    FanList.objects.create(campaign=campaign, fanlist_id="club")
    key = "fanlist/uploaded/club/ranks.csv"
    mail = "fan1@mail.example"
    text = f"global_user_id,rank,email\nfan-1,1,{mail}\nfan-2,2,fan2@mail.example\n"
    done, kept = taken(key, text.encode())
    (ranks,) = done.rank_files.all()
    original = buckets.scoring().open(ranks.key).read()
    assert b"fan-1" not in original + kept
    assert mail.encode() not in original + kept
    assert original.splitlines()[1].endswith(b".0,1,")
    assert original.splitlines()[2] == b"fan-2,2,fan2@mail.example"
    assert not buckets.scoring().exists(key)
