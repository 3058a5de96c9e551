"""Which messages of a wave a page shows, as its address says. [N-7]"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.text import capfirst

from console.wave_page.messages import STATES, Filters
from console.words import words
from waves.choices import Channel
from waves.models import WaveMarket


class MessageFilterForm(forms.Form):
    """What the messages of one wave can be filtered by; what the address asks for and the wave does
    not have is ignored.
    """

    channel = forms.ChoiceField(label="Channel", required=False)
    state = forms.ChoiceField(label="State", required=False)
    reason = forms.ChoiceField(label="Reason", required=False)
    market = forms.ChoiceField(label="Market", required=False)

    def __init__(
        self, asked: QueryDict, *, markets: Iterable[WaveMarket], reasons: Iterable[str]
    ) -> None:
        super().__init__(asked)
        self._markets = {each.market.market_id: each.market_id for each in markets}
        names = {each.market.market_id: each.name for each in markets}
        choices = {
            "channel": {str(each): capfirst(each.label) for each in Channel},
            "state": {name: label.capitalize() for name, (label, _) in STATES.items()},
            "reason": {reason: words(reason) for reason in reasons},
            "market": names,
        }
        for name, found in choices.items():
            self.fields[name].choices = [("", "All"), *found.items()]  # type: ignore[attr-defined]

    def kept(self) -> dict[str, str]:
        """What the address asked for and can have."""
        return {name: self.cleaned_data.get(name, "") for name in self.fields}

    def wanted(self) -> Filters:
        kept: dict[str, Any] = self.kept()
        return Filters(**kept | {"market": self._markets.get(kept["market"])})
