"""Anymail's backends by the names of their modules. [N-5]"""

from __future__ import annotations

from django.core.mail import get_connection


def path_of(esp: str) -> str:
    """The backend of ANYMAIL_ESP."""
    return f"anymail.backends.{esp}.EmailBackend"


def what_is_missing(esp: str) -> str:
    """Why the backend cannot be made, in Anymail's or Python's words; empty if it can."""
    try:
        get_connection(path_of(esp))
    except Exception as error:  # noqa: BLE001 backends of others raise errors of their own
        return str(error).partition("\n")[0]
    return ""
