"""One class per refusal; the message says what, where and what to do."""

from __future__ import annotations


class CampaignError(Exception):
    """A step of a campaign was refused, or could not be done; nothing was written."""


class ListEntryInvalid(CampaignError):
    """A line of a blacklist, whitelist or list of disposable domains cannot be read. [S-4]"""

    def __init__(self, list_name: str, line_number: int, text: str, hint: str) -> None:
        self.list_name, self.line_number, self.text = list_name, line_number, text
        super().__init__(f"{list_name}, line {line_number}: “{text}” cannot be read: {hint}")
