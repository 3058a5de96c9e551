"""Waves that many tests begin with: a session of tests makes each of them once, before its first
test, and puts its rows and files back for every test that asks. That takes a tenth of the time that
it takes to prepare one. Every value is the first one's, also names, ids and times.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.files.storage import storages
from django.db import connection
from django.test import override_settings

from campaigns.models import ScoreFile
from campaigns.scoring import tables
from tests.support.database import resetting
from tests.support.waves import (
    NOW,
    approve,
    campaign_with,
    cleared,
    counted,
    person,
    request,
)
from waves.models import Wave
from waves.preparation.prepare import prepare
from waves.schedule import schedule

# of every table its rows that are not there before any test, and a function that puts them back
_KEEP = """
DO $$
DECLARE name text; columns text; before text; found boolean; put text = '';
BEGIN
    DROP SCHEMA IF EXISTS {kept} CASCADE;
    CREATE SCHEMA {kept};
    FOR name IN SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
    LOOP
        before = CASE WHEN to_regclass(format('before_tests.%I', name)) IS NULL THEN ''
            ELSE format('EXCEPT ALL TABLE before_tests.%I', name) END;
        EXECUTE format('SELECT EXISTS (TABLE public.%I %s)', name, before) INTO found;
        CONTINUE WHEN NOT found;
        EXECUTE format('CREATE TABLE {kept}.%I AS TABLE public.%I %s', name, name, before);
        SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
            WHERE attrelid = format('public.%I', name)::regclass
            AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
        put = put || format('
            INSERT INTO public.%1$I (%2$s) SELECT %2$s FROM {kept}.%1$I', name, columns)
            || CASE name WHEN 'auth_user' THEN ' ON CONFLICT (id) DO NOTHING;' ELSE ';' END;
    END LOOP;
    EXECUTE format('CREATE FUNCTION {kept}.put() RETURNS void LANGUAGE plpgsql
        SET session_replication_role = replica AS %L', 'BEGIN ' || put || ' END');
END $$
"""


@dataclass(frozen=True)
class Kept:
    """One that is kept: where its rows lie, its key, its fans' score files, and where its bucket's
    files lie.
    """

    schema: str
    wave: int
    score_files: tuple[int, ...]
    files: Path


_made: list[Callable[[], Wave]] = []
_kept: dict[int, Kept] = {}


def keep(make: Callable[[], Wave]) -> Callable[[], Wave]:
    """What gives the wave that `make` makes. For modules, while they are imported: later it would
    be made anew for each test, and so it is for who is no superuser. It is worth it where more
    tests than there are workers begin with the wave.
    """
    number = len(_made)
    _made.append(make)
    return lambda: _back(_kept[number]) if number in _kept else make()


def _prepare() -> Wave:
    return prepare(request(campaign_with(12)), by=person("ann"), now=NOW).wave


def _schedule() -> Wave:
    wave = counted(_prepare())
    approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    return schedule(wave, by=person("bob"), now=NOW)


def _of_thirty() -> Wave:
    return counted(prepare(request(campaign_with(30)), by=person("preparer"), now=NOW).wave)


# prepared by ann from twelve fans; five of each market are members
prepared = keep(_prepare)
# the same, with its second count
counted_wave = keep(lambda: counted(_prepare()))
# the same, approved and scheduled by bob; and another one beside it
scheduled, scheduled_too = keep(_schedule), keep(_schedule)
_counted_of_thirty = keep(_of_thirty)


def cleared_wave() -> Wave:
    """Prepared from thirty fans, counted, and after a green pre-flight, which is of this moment.
    [X-6]
    """
    return cleared(_counted_of_thirty())


def keep_all(folder: Path) -> None:
    """Make all of them, in a session whose database holds nothing yet."""
    for number, make in enumerate(_made):
        files = folder / str(number)
        bucket = {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(files)},
        }
        buckets = settings.STORAGES | {"scoring": bucket, "campaign-data": bucket}
        with override_settings(STORAGES=buckets, FAIRWAVE_DATA=files):
            wave = make()
        schema = f"kept_{number}"
        with connection.cursor() as cursor:
            cursor.execute(_KEEP.format(kept=schema))
        score_files = tuple(ScoreFile.objects.values_list("pk", flat=True))
        _kept[number] = Kept(schema, wave.pk, score_files, files)
        resetting.reset()
    resetting.leave_numbers(below=10_000)


def _back(kept: Kept) -> Wave:
    for score_file in kept.score_files:
        tables.create(score_file)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {kept.schema}.put()")
    for score_file in kept.score_files:
        tables.index(score_file)
        tables.attach(score_file)
    shutil.copytree(kept.files, storages["scoring"].location, dirs_exist_ok=True)
    return Wave.objects.select_related("campaign").get(pk=kept.wave)
