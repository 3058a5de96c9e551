"""Which text a fan gets: by market and language, then market, then language, then the campaign's
default language, then the built-in one. Pure. [N-1]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

from operations.entry.languages import fallbacks
from waves.choices import Audience
from waves.messages.built_in import built_in
from waves.messages.content import ENGLISH, MessageTemplate, check_template


class Text(NamedTuple):
    """What a member's text depends on; without a market it is of those who were not selected, and
    `language` is the fan's, which may be empty.
    """

    market_id: str
    channel: str
    language: str
    has_code: bool


@dataclass(frozen=True)
class Templates:
    """Templates in the order in which they count, the default language of their campaign, and whom
    they are chosen for. A template of a language is for fans of that language and its regions: one
    in pt also for pt-BR.
    """

    templates: Sequence[MessageTemplate]
    default_language: str = ENGLISH
    audience: str = Audience.SELECTED

    def choose(self, text: Text) -> MessageTemplate:
        """The closest, the first of several."""
        of_channel = [each for each in self.templates if each.channel == text.channel]
        levels = product(self._audiences(text), self._places(text))
        for audience, (market_id, language) in levels:
            for template in of_channel:
                found = (template.audience, template.market_id, template.language)
                if found == (audience, market_id, language):
                    return template
        return built_in(text.channel, has_code=text.has_code, audience=self.audience)

    def _audiences(self, text: Text) -> list[str]:
        """A text without a code is looked for first where there is none. [K-3]"""
        apart = self.audience == Audience.SELECTED and not text.has_code
        return [Audience.WITHOUT_CODE, self.audience] if apart else [self.audience]

    def _places(self, text: Text) -> list[tuple[str | None, str]]:
        languages = [fallbacks(text.language), fallbacks(self.default_language)]
        return [
            (market_id, language)
            for market_id in (text.market_id, None)
            for tags in languages
            for language in tags
        ]

    def chosen_for(self, texts: Iterable[Text]) -> list[dict[str, Any]]:
        """The chosen templates as a wave keeps them, each with the languages of the fans who get
        it, in a fixed order. Raises BadTemplate for what cannot be sent to them. [K-3, W-7]
        """
        languages = defaultdict[tuple[str, str, bool, MessageTemplate], list[str]](list)
        for text in sorted(texts):
            template = self.choose(text)
            check_template(template, has_code=text.has_code)
            languages[text.market_id, text.channel, text.has_code, template].append(text.language)
        return [
            {
                "market_id": market_id,
                "channel": channel,
                "with_code": has_code,
                "languages": of_fans,
                "language": template.language,
                "subject": template.subject,
                "body": template.body,
                "html": template.html,
            }
            for (market_id, channel, has_code, template), of_fans in languages.items()
        ]
