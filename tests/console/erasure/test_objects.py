"""Files of the scoring bucket without a fan. [X-11]"""

from __future__ import annotations

import gzip
import io
import zipfile
from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from campaigns.models import Arrival, RegistrationImport
from console.erasure import objects
from datalake.erased.erasing import Left, Place, Sought
from datalake.erased.names import name_of
from datalake.storage import buckets
from tests.support.avro_files import written
from tests.support.campaigns import make_campaign, receive_scores, score_file_bytes, score_row
from tests.support.waves import campaign_with, person
from tests.waves.uploads.lists import row, rows_of, uploaded
from waves.preparation.wave_files import SmsWaveKeys

pytestmark = pytest.mark.django_db

ME = Sought("fan-1", 1, frozenset({"fan1@mail.example", "member-1"}))
LINES = score_file_bytes([score_row(1), score_row(2)])


def put(key: str, content: bytes) -> None:
    buckets.scoring().put(key, content)


def read(key: str) -> bytes:
    return buckets.scoring().open(key).read()


def erased() -> tuple[list[Place], list[Left]]:
    places: list[Place] = []
    return places, list(objects.erase_objects(ME, places.append))


def test_x11_packed_files_and_archives_are_written_anew_with_all_else_as_it_was():
    name = name_of(make_campaign("tour").campaign_id, ME.fan_id, ME.number)
    put("received/tour.1.txt.gz", gzip.compress(LINES))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        entry = zipfile.ZipInfo("0000000001.tsv", date_time=(1980, 1, 1, 0, 0, 0))
        entry.comment = b"0.5"
        target.writestr(entry, "fan-1\twest\t0.9\nfan-2\teast\t0.5\n")
    put("wavePrep/tour/waiting", archive.getvalue())
    cells = pl.DataFrame({"global_user_id": ["fan-1", "fan-2"], "cell": ["west", "!erased"]})
    out = io.BytesIO()
    cells.write_parquet(out)
    put("wavePrep/tour/cells", out.getvalue())
    places, left = erased()
    assert ([place.count for place in places], left) == ([1, 1, 1], [])
    lines = gzip.decompress(read("received/tour.1.txt.gz")).splitlines()
    assert lines[1] == f"\t\t\t{name}\t\t0.5\t".encode()
    assert lines[2] == LINES.splitlines()[2]
    with zipfile.ZipFile(io.BytesIO(read("wavePrep/tour/waiting"))) as found:
        (entry,) = found.infolist()
        assert (entry.comment, entry.date_time) == (b"0.5", (1980, 1, 1, 0, 0, 0))
        assert found.read(entry) == f"{name}\twest\t0.9\nfan-2\teast\t0.5\n".encode()
    assert pl.read_parquet(read("wavePrep/tour/cells")).rows() == [
        (name, "west"),
        ("fan-2", "!erased"),
    ]
    assert erased() == ([], [])


def test_x11_a_file_that_a_service_left_is_deleted_once_a_copy_is_processed_and_else_named():
    file = receive_scores(make_campaign("tour"), LINES)
    for key in ("scored/tour.1.txt", "scored/tour.2.txt"):
        put(key, LINES)
    found = buckets.scoring().found("scored/tour.1.txt")
    Arrival.objects.create(key=found.key, version=found.version, size=1, score_file=file)
    places, left = erased()
    assert "scored/tour.1.txt" in {place.name for place in places}
    assert list(buckets.scoring().list("scored/")) == ["scored/tour.2.txt"]
    assert [(each.place, each.count) for each in left] == [("files that wait to be processed", 1)]


def test_x11_what_a_proof_is_made_of_and_damaged_files_are_left():
    for key in ("rosters/tour.1.tsv", "proofs/tour.zip", "blacklist/emails.txt"):
        put(key, b"fan-1")
    packed = gzip.compress(b"fan-1\n" * 9)
    put("received/tour.1.zip", b"PK\x03\x04 fan-1")
    put("received/tour.2.txt.gz", packed[:-9])
    put("received/tour.3.txt.gz", packed[:2] + b" fan-1")
    put("received/tour.4.txt.gz", packed[:10] + b"\xff" * 9)
    places, left = erased()
    assert (places, [(each.place, each.count) for each in left]) == (
        [],
        [("files that cannot be read", 4)],
    )


def avro(*records: tuple[str, str]) -> bytes:
    fields = [{"name": name, "type": "string"} for name in ("global_user_id", "email")]
    schema = {"type": "record", "name": "registration", "fields": fields}
    rows = [{"global_user_id": fan, "email": email} for fan, email in records]
    return written(schema, rows)


def test_x11_an_avro_file_is_deleted_when_its_registrations_are_in_the_database_and_else_named():
    mine, spouse = ("fan-1", "a@mail.example"), ("fan-2", "fan1@mail.example")
    imported = RegistrationImport.objects.create(
        campaign=make_campaign("tour"), name="r.avro", key="registrations/tour/1", sha256="1" * 64
    )
    put(imported.key, avro(mine, spouse))
    put("registrations/tour/2", avro(spouse))
    places, left = erased()
    assert (places, [(each.place, each.count) for each in left]) == (
        [],
        [("Avro files that were not imported", 1)],
    )
    RegistrationImport.objects.update(finished=True, rejected_key="registrations/tour/1.rejected")
    places, left = erased()
    assert ([place.name for place in places], left) == ([imported.key], [])
    assert list(buckets.scoring().list("registrations/")) == ["registrations/tour/2"]


def test_x11_an_id_beyond_ascii_is_found_in_files():
    make_campaign("tour")
    put("received/tour.1.txt", score_file_bytes([score_row(1, global_user_id="fan-Ä")]))
    places: list[Place] = []
    list(objects.erase_objects(Sought("fan-Ä", 1), places.append))
    assert [place.name for place in places] == ["received/tour.1.txt"]


def test_x11_the_list_that_a_wave_was_uploaded_with_before_the_erasure_holds_the_fan_no_more():
    campaign = campaign_with(3)
    wave = uploaded(campaign, [row(1)], by=person("ann", superuser=True))
    before = f"smsWaves/uploads/{wave.name}.{'0' * 64}.csv"
    put(before, rows_of([row(1), row(2)]))
    put(SmsWaveKeys(wave.name).members, rows_of([row(1)]))
    asked = Sought("fan-000001", 1, asked_for=wave.prepared_at - timedelta(seconds=1))
    places: list[Place] = []
    list(objects.erase_objects(asked, places.append))
    assert [place.name for place in places] == [before]
    assert b"fan-000002,m-2" in read(before)
    # those of the new wave itself stay: the fan is in it because they had registered again
    wave.refresh_from_db()
    list(objects.erase_objects(replace(asked, asked_for=wave.prepared_at), places.append))
    newer = {place.name for place in places}
    assert newer >= {before, wave.upload.key, wave.zip_key, SmsWaveKeys(wave.name).members}


def test_x11_a_score_file_whose_timestamp_is_the_date_key_of_a_newer_wave_is_looked_into():
    campaign = campaign_with(3)
    wave = uploaded(campaign, [row(1)], by=person("ann", superuser=True))
    key = f"received/{campaign.campaign_id}.{wave.date_key}.txt"
    put(key, score_file_bytes([score_row(1, global_user_id="fan-000001"), score_row(2)]))
    asked = Sought("fan-000001", 1, asked_for=wave.prepared_at - timedelta(seconds=1))
    places: list[Place] = []
    list(objects.erase_objects(asked, places.append))
    assert [place.name for place in places] == [key]
