"""What a fan's reply asks for: no more messages, messages again, or neither. [N-8]

A reply counts when all of it is such words, once or more often, whatever their case, accents and
punctuation, with or without words that add nothing: "Stop!", "STOP STOP", "stop it now, please",
"ARRÊT". A sentence that only holds one ("don't stop") does not. Any language's words count for
every fan: nobody is to lose an opt-out because we took their language for another. Left out are
words that mean something else elsewhere, such as Turkish "red" and "dur" and Finnish "peru"; END
stays, because carriers in the United States take it for STOP.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

# By language, as people write them. "STOP" is understood everywhere.
STOP: Final[Mapping[str, str]] = {
    "en": "stop, stop all, stopall, unsubscribe, cancel, end, quit, opt out, optout, opt me out"
    ", remove",
    "ar": "قف, توقف, إلغاء الاشتراك",
    "cs": "zrušit, odhlásit",
    "da": "stop, afmeld, frameld",
    "de": "stopp, abmelden, abbestellen, abmeldung, ende",
    "el": "στοπ, διακοπή, διαγραφή",
    "es": "parar, pare, baja, alto, cancelar, detener, darse de baja, dar de baja",
    "fi": "lopeta, peruuta",
    "fr": "arrêt, arrêter, arrêtez, désabonner, désabonnement, désinscrire, désinscription",
    "he": "הסר, הסירו, עצור",
    "hi": "रोकें, बंद करो",
    "hu": "leállít, leiratkozás",
    "it": "ferma, basta, cancella, annulla, disiscrivi, disiscrivimi",
    "ja": "停止, 配信停止, 解除",
    "ko": "중지, 정지, 수신거부",
    "nb": "stopp, avslutt, avmeld",
    "nl": "stoppen, afmelden, uitschrijven",
    "pl": "rezygnuję, rezygnacja, wypisz",
    "pt": "parar, pare, sair, cancelar, descadastrar, remover",
    "ro": "opriți, oprește, dezabonare",
    "ru": "стоп, отписаться, отписка, отмена",
    "sv": "stopp, avsluta, avregistrera",
    "tr": "durdur, iptal, ret",
    "uk": "стоп, відписатися",
    "zh": "停止, 退订, 退訂, 取消订阅, 取消訂閱, td",
}
START: Final[Mapping[str, str]] = {
    "en": "start, unstop, subscribe, opt in, optin",
    "de": "anmelden",
    "es": "iniciar, alta, reanudar",
    "fr": "reprendre, démarrer, réabonner",
    "it": "inizia, riprendi",
    "nl": "aanmelden",
    "pt": "iniciar, voltar, retomar",
    "ru": "старт",
    "ja": "開始, 再開",
    "ko": "시작",
    "zh": "开始, 開始, 恢复, 恢復",
}
FILLERS: Final = (
    "please, pls, plz, now, thanks, thank you, me, it, sending, texting, messaging, the messages",
    "messages, texts, sms, por favor, gracias, svp, stp, merci, bitte, danke, obrigado, obrigada",
    "per favore, grazie",
)


class Wish(StrEnum):
    NOTHING = ""
    STOP = "stop"
    START = "start"


def wish_of(text: str) -> Wish:
    """What a reply asks for."""
    words = plain(text)
    if not _WHOLE.fullmatch(words):
        return Wish.NOTHING
    wishes = {_WISHES[phrase] for phrase in _PHRASE.findall(words)} - {Wish.NOTHING}
    return wishes.pop() if len(wishes) == 1 else Wish.NOTHING


def plain(text: str) -> str:
    """Its words in one case, without accents and without what is neither letter nor digit."""
    spread = unicodedata.normalize("NFKD", text.casefold()).casefold()
    bare = "".join(
        sign if sign.isalnum() else " " for sign in spread if unicodedata.category(sign) != "Mn"
    )
    return " ".join(bare.split())


def _phrases(lists: Iterable[str], wish: Wish) -> dict[str, Wish]:
    return {plain(phrase): wish for words in lists for phrase in words.split(",")}


_WISHES: Final = (
    _phrases(FILLERS, Wish.NOTHING)
    | _phrases(STOP.values(), Wish.STOP)
    | _phrases(START.values(), Wish.START)
)
# The longest first, and never tried again as shorter ones: a text of any length is read once.
_ONE: Final = "|".join(map(re.escape, sorted(_WISHES, key=len, reverse=True)))
_PHRASE: Final = re.compile(rf"(?:^|(?<= ))(?:{_ONE})(?= |$)")
_WHOLE: Final = re.compile(rf"(?:(?>{_ONE})(?: |$))++")
