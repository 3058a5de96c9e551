"""What the pages of the demand archive need beyond the others: harmless text, and an entry by its
name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template

from operations.adminkit.plaintext import visible

register = template.Library()
register.filter("visible", visible)


@register.filter
def entry(values: Mapping[str, Any], name: str) -> Any:
    return values[name]
