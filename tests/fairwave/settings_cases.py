"""`manage.py`, and the checks, with other settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

from django import conf
from django.core.checks import CheckMessage, run_checks

from fairwave import env

ROOT = Path(__file__).parent.parent.parent
# What every site must set that others can reach.
SECRETS = {
    "SECRET_KEY": "a1!" * 20 + "bcdefgh",
    "SMS_TOKEN": "given-by-the-provider",
    "RECEIPT_SECRET": "agreed-with-the-provider",
    "TRUSTED_PROXIES": "10.0.0.0/8",
    "SITE_URL": "https://presale.example",
}


def environment(settings: dict[str, str]) -> dict[str, str]:
    """A clean environment with these settings; without a server, as checking settings needs none."""
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    needed = {"DATABASE_URL": "postgresql://nobody@localhost/none"} | SECRETS
    return clean | needed | settings


def manage(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command in a clean environment."""
    command = [sys.executable, "-W", "error::UserWarning", "manage.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(settings), capture_output=True, text=True
    )


def check(*, deploy: bool = False, **settings: str) -> list[CheckMessage]:
    """What `manage.py check` finds in a clean environment, in this process; if not `deploy`, only
    what our own checks find.
    """
    module = "fairwave.settings"
    with (
        mock.patch.dict(os.environ, environment(settings), clear=True),
        mock.patch.object(env, "mistakes", []),
        mock.patch.dict(sys.modules),
    ):
        del sys.modules[module]
        with mock.patch.object(conf.settings, "_wrapped", conf.Settings(module)):
            return run_checks(
                tags=None if deploy else ["fairwave"], include_deployment_checks=deploy
            )
