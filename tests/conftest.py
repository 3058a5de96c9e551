"""What every test can rely on: a real PostgreSQL (embedded unless DATABASE_URL is set), empty and
as the migrations left it, and buckets of its own.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.session
import disposable_email_domains
import hypothesis
import pytest
from django.conf import settings as all_settings
from django.core.files.storage import storages
from django.db import connection
from django.test import TransactionTestCase
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker
from whitenoise.middleware import WhiteNoiseMiddleware

from campaigns.contacts.email_lists import packaged_disposable_domains
from campaigns.models import Campaign
from console import health
from console.proof import pages
from console.roles import setup_roles
from fairwave import embedded, env
from tests.support import cloud, collected, few_domains, garbage
from tests.support.campaigns import make_campaign
from tests.support.database import resetting, template
from tests.support.site.surroundings import all_well

LONG = ("browser", "processes")
LONGEST_NAME = 60
_folders = itertools.count(1)
# Examples are the same in every run, and there is no limit of time. `bin/test --full` draws others,
# ten times as many, and prints their seed.
FULL = os.environ.get("FAIRWAVE_FULL") == "1"
hypothesis.settings.register_profile(
    "fairwave",
    max_examples=500 if FULL else 50,
    deadline=None,
    database=None,
    derandomize=not FULL,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("fairwave")
# Amazon's descriptions of its services are large: they are read once, not by every session.
botocore.session.create_loader = cache(botocore.session.create_loader)


def pytest_configure() -> None:
    if not env.text("DATABASE_URL"):
        embedded.share(env.data_folder())
    # A test that halts a process in a transaction takes its time, however slow the machine is.
    options = all_settings.DATABASES["default"]["OPTIONS"]
    options["options"] += " -c idle_in_transaction_session_timeout=0"


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names are made of short words: long or unreadable values are numbered instead."""
    if isinstance(val, bytes):
        val = val.decode(errors="replace")
    if isinstance(val, str) and (len(val) > LONGEST_NAME or not val.isprintable()):
        return argname
    return None


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes long begins first, so that no worker is left alone with it. All browser tests run
    in one worker, before one Chromium. What is marked `full` waits for `bin/test --full`.
    """
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("browser"))
        if item.get_closest_marker("full") and not FULL:
            item.add_marker(pytest.mark.skip(reason="the long run"))
    if not config.pluginmanager.hasplugin("randomly"):
        items.sort(key=lambda item: not any(map(item.get_closest_marker, LONG)))


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    with collected.one_goes_ahead(session.config):
        return (yield)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist says that this worker is ready
def pytest_collection_finish(session: pytest.Session) -> None:
    collected.note(session)
    garbage.look_among_new_objects_only()


@pytest.fixture(scope="session")
def one_run_at_a_time(django_db_modify_db_settings: None) -> Iterator[None]:
    """Another run on the same data would drop our database: it waits until we are done."""
    name = connection.settings_dict["TEST"]["NAME"]
    with (env.data_folder() / f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def migrated_once(
    django_test_environment: None, one_run_at_a_time: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Each worker's database is a copy of one to which all migrations are applied. Django would
    look for the next one in each copy: a second for every worker.
    """
    asked = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        template.copy(template.ready(env.data_folder()))
    yield
    with django_db_blocker.unblock():
        connection.creation.destroy_test_db(asked, verbosity=0)


@pytest.fixture(scope="session")
def django_db_setup(
    migrated_once: None, django_db_blocker: DjangoDbBlocker, all_folders: Path
) -> Iterator[None]:
    """Tests that commit leave the database as they found it, in milliseconds, and their session to
    the next one. No commit waits for the disk: a machine that loses its power loses only tests'
    data.
    """
    with django_db_blocker.unblock():
        setup_roles()
        with connection.cursor() as cursor:
            cursor.execute(
                f'ALTER DATABASE "{connection.settings_dict["NAME"]}" SET synchronous_commit = off'
            )
        connection.close()  # the next one begins with it
        if fast := resetting.is_possible():
            resetting.remember()
            if kept := sys.modules.get(
                "tests.support.database.kept"
            ):  # a collected test begins with one
                kept.keep_all(all_folders / "kept")
    flush = TransactionTestCase._fixture_teardown

    def undo(test: TransactionTestCase) -> None:
        if fast:
            resetting.reset()
        else:  # without a superuser, Django's own way is used
            flush(test)
            setup_roles()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", undo)
        if fast:
            patch.setattr(TransactionTestCase, "_should_reload_connections", lambda test: False)
        yield
    if fast:
        with django_db_blocker.unblock():
            resetting.require_no_sessions()


@pytest.fixture(scope="session", autouse=True)
def no_file_waits_for_the_disk() -> Iterator[None]:
    """As no commit does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield


@pytest.fixture(scope="session")
def all_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tests")


@pytest.fixture
def tmp_path(all_folders: Path) -> Path:
    """pytest's own reads the names of all earlier tests' folders for a new one."""
    folder = all_folders / str(next(_folders))
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture(scope="session", autouse=True)
def static_files_are_looked_for_once() -> Iterator[None]:
    """Every test's client sets the site up anew, and would walk all static folders each time."""
    found: dict[str, object] = {}
    walk = WhiteNoiseMiddleware.add_files_from_finders

    def take(site: WhiteNoiseMiddleware) -> None:
        if not found:
            walk(site)
            found.update(site.files)
        site.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", take)
        yield


@pytest.fixture(autouse=True)
def bucket_folders(tmp_path: Path, settings: Settings) -> Path:
    """Both buckets as folders of this test alone."""
    settings.STORAGES = settings.STORAGES | {
        name: {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / name)},
        }
        for name in ("scoring", "campaign-data")
    }
    storages._storages = {}
    storages.__dict__.pop("backends", None)
    settings.FAIRWAVE_DATA = tmp_path
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return tmp_path


@pytest.fixture(autouse=True)
def nobody_has_asked_yet() -> None:
    """What the site remembers of its visitors, and says to them for seconds."""
    for limit in (pages.PAGES, pages.PROOFS):
        limit.forget()
    health.READINESS.forget()


@pytest.fixture(autouse=True)
def no_count_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a page would go on to show a count that took its time."""
    monkeypatch.setattr("console.slow_counts.SLOW_SECONDS", float("inf"))


@pytest.fixture(autouse=True)
def pre_flights_find_all_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for providers that are not there, but those that ask them by another name."""
    monkeypatch.setattr("waves.preflight.surroundings.ask", all_well)


@pytest.fixture
def all_packaged_domains(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Rules that are made now hold every disposable domain of the package."""
    packaged_disposable_domains.cache_clear()
    monkeypatch.setattr(disposable_email_domains, "blocklist", set(few_domains.ALL))
    yield
    packaged_disposable_domains.cache_clear()


@pytest.fixture
def aws(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[cloud.Cloud]:
    """The scoring bucket on S3, and a queue to which it reports new objects."""
    with cloud.running(settings, monkeypatch) as found:
        yield found


@pytest.fixture
def campaign() -> Campaign:
    """An open campaign."""
    return make_campaign()
