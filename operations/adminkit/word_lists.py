"""Lists of short texts in one box: typed or pasted, one a line or with commas between them."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from operations.entry.values import UNFIT_TEXT, is_unfit

BETWEEN = re.compile(r"[,;\t\r\n]+")
SHOWN = 20


class WordListField(forms.Field):
    """Texts of at most `longest` characters, each once, in the order given; shown with `between`
    between them.
    """

    def __init__(self, *, longest: int, between: str = "\n", **options: Any) -> None:
        super().__init__(**options)
        self.longest, self.between = longest, between

    def prepare_value(self, value: Any) -> Any:
        return self.between.join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        text = str(value or "")
        if is_unfit(text):
            raise ValidationError(f"{UNFIT_TEXT[:1].upper()}{UNFIT_TEXT[1:]}")
        words = [word.strip() for word in BETWEEN.split(text)]
        if too_long := next((word for word in words if len(word) > self.longest), None):
            raise ValidationError(
                f"“{too_long[:SHOWN]}…” has {len(too_long):,} characters. Use at most"
                f" {self.longest}, and a new line or a comma after each one."
            )
        return list(dict.fromkeys(filter(None, words)))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """What comes back as it was shown is the list as it was, commas in it and all."""
        shown = self.prepare_value(initial) or ""
        if shown.split() == (data or "").split():
            return False
        return super().has_changed(initial, data)
