"""What the pages of the demand archive need beyond the others: harmless text, and an entry by its name."""

from collections.abc import Mapping
from typing import Any

from django import template

from console import demand_fields

register = template.Library()
register.filter("visible", demand_fields.visible)


@register.filter
def entry(values: Mapping[str, Any], name: str) -> Any:
    return values[name]
