"""The database that test databases are copies of: it holds every migration, applied once for all
workers, and for later runs until a migration or a package changes.
"""

from __future__ import annotations

import fcntl
import hashlib
from pathlib import Path

from django.core.management.sql import emit_post_migrate_signal
from django.db import connection

ROOT = Path(__file__).parents[3]
PREFIX = "fairwave_tests_"


def ready(data: Path) -> str:
    """The name of a database with all migrations, made by whichever worker asks first."""
    name = PREFIX + _digest()
    with (data / "template.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with connection._nodb_cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [PREFIX + "%"])
            found = {row[0] for row in cursor.fetchall()}
            if name in found:
                return name
            for old in found:
                cursor.execute(f'DROP DATABASE "{old}"')
        _make(name)
    return name


def copy(name: str) -> None:
    """Make a copy the database of this worker's tests. What does not come from migrations, but from
    the code as it is (permissions, schedules), is renewed in it.
    """
    connection.settings_dict["TEST"]["TEMPLATE"] = name
    own = connection.creation._create_test_db(verbosity=0, autoclobber=True)
    connection.close()
    connection.settings_dict["NAME"] = own
    emit_post_migrate_signal(verbosity=0, interactive=False, db=connection.alias)


def _make(name: str) -> None:
    """A run that is killed here leaves a database to which the next one applies the rest."""
    own = connection.settings_dict["NAME"]
    test = connection.settings_dict["TEST"]
    asked, test["NAME"] = test["NAME"], name
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
    finally:
        connection.close()  # a database with sessions cannot be copied
        connection.settings_dict["NAME"], test["NAME"] = own, asked


def _digest() -> str:
    files = [*ROOT.glob("*/migrations/**/*.py"), *ROOT.glob("requirements*.txt")]
    content = b"".join(file.read_bytes() for file in sorted(files))
    return hashlib.sha256(content).hexdigest()[:16]
