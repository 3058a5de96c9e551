"""`manage.py` run with other settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def manage(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command in a clean environment; without a server, because checking settings needs none."""
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    settings = {
        "DATABASE_URL": "postgresql://nobody@localhost/none",
        "SECRET_KEY": "k" * 60,
    } | settings
    command = [sys.executable, "-W", "error::UserWarning", "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=clean | settings, capture_output=True, text=True)
