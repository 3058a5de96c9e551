"""What a fan's reply asks for: no more messages, messages again, or neither. [N-8]

A reply counts when all of it is such a word, whatever its case, accents and punctuation, with or
without a word of courtesy: "Stop!", "please stop", "ARRÊT". A sentence that only holds one ("don't
stop") does not. Any language's words count for every fan: nobody is to lose an opt-out because we
took their language for another.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

# By language, as people write them. "STOP" is understood everywhere.
STOP: Final[Mapping[str, str]] = {
    "en": "stop, stop all, stopall, unsubscribe, cancel, end, quit, opt out, optout, remove me",
    "ar": "قف, توقف, إلغاء الاشتراك",
    "cs": "zrušit, odhlásit",
    "da": "stop, afmeld, frameld",
    "de": "stopp, abmelden, abbestellen, abmeldung, ende",
    "el": "στοπ, διακοπή, διαγραφή",
    "es": "parar, pare, baja, alto, cancelar, detener, darse de baja, dar de baja",
    "fi": "lopeta, peru, peruuta",
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
    "tr": "dur, iptal, ret, red",
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
COURTESY: Final = (
    "please, pls, plz, now, thanks, thank you, por favor, gracias, svp, stp, merci, bitte"
)
COURTESY_TOO: Final = (
    "danke, obrigado, obrigada, per favore, grazie, the messages, messages, texts, sms"
)


class Wish(StrEnum):
    NOTHING = ""
    STOP = "stop"
    START = "start"


def wish_of(text: str) -> Wish:
    """What a reply asks for."""
    words = _without_courtesy(plain(text))
    if words in _STOP:
        return Wish.STOP
    return Wish.START if words in _START else Wish.NOTHING


def plain(text: str) -> str:
    """Its words in one case, without accents and without what is neither letter nor digit."""
    spread = unicodedata.normalize("NFKD", text.casefold()).casefold()
    bare = "".join(
        sign if sign.isalnum() else " " for sign in spread if unicodedata.category(sign) != "Mn"
    )
    return " ".join(bare.split())


def _phrases(*lists: str) -> frozenset[str]:
    return frozenset(plain(phrase) for words in lists for phrase in words.split(","))


_STOP: Final = _phrases(*STOP.values())
_START: Final = _phrases(*START.values())
_COURTESY: Final = sorted(_phrases(COURTESY, COURTESY_TOO), key=len, reverse=True)


def _without_courtesy(words: str) -> str:
    """One such word may come before, another behind."""
    for phrase in _COURTESY:
        if words.startswith(f"{phrase} "):
            words = words[len(phrase) + 1 :]
            break
    for phrase in _COURTESY:
        if words.endswith(f" {phrase}"):
            return words[: -len(phrase) - 1]
    return words
