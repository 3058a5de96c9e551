"""What every test can rely on: a real PostgreSQL (embedded unless DATABASE_URL is set) and buckets
of its own.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.storage import storages
from pytest_django.fixtures import Settings

from fairwave import embedded, env


def pytest_configure() -> None:
    if not env.text("DATABASE_URL"):
        embedded.share(env.data_folder())


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
    return tmp_path
