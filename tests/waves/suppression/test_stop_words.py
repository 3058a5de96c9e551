"""A reply is an opt-out when all of it says so, in any language. [N-8]"""

from __future__ import annotations

import pytest

from waves.suppression.stop_words import START, STOP, Wish, plain, wish_of


@pytest.mark.parametrize(
    "text",
    [
        *(
            "STOP",
            "stop",
            " Stop. ",
            "«Stop!»",
            "STOP\n",
            "s\u0301top",
            "ＳＴＯＰ",
            "Stop all",
            "STOPALL",
        ),
        *("STOP STOP", "stop now please", "unsubscribe me", "opt me out", "stop it", "remove"),
        *("Remove me, thanks", "stop all messages", "stop " * 20, "STOP" + "\n" * 57),
        *("Please stop", "stop please!", "pls stop now", "Opt-out", "opt.out", "Unsubscribe"),
        *("ARRÊT", "Arret", "arrêter svp", "BAJA", "baja por favor", "PARAR", "Stopp bitte"),
        *("Отписаться", "СТОП", "停止", "退订", "수신거부", "İPTAL", "הסר", "διακοπη"),
    ],
)
def test_n8_a_stop_word_counts_whatever_its_case_accents_and_punctuation(text):
    assert wish_of(text) == Wish.STOP


@pytest.mark.parametrize("text", ["START", "Start!", "unstop", "REPRENDRE", "Iniciar", "démarrer"])
def test_n8_a_start_word_asks_for_messages_again(text):
    assert wish_of(text) == Wish.START


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "...", "please", "Don't stop", "When does it stop?", "stop start", "bus stop 5"),
        *("Is this the end of it?", "yes", "stopping", "\ud83d\ude00", "stopstop"),
        *("Red", "Peru", "Dur", "stop me from missing it", "thanks", "me", "stop " * 20 + "no"),
    ],
)
def test_n8_a_text_that_only_holds_such_a_word_asks_for_nothing(text):
    assert wish_of(text) == Wish.NOTHING


def test_n8_no_word_asks_for_both():
    words = [
        {plain(each) for text in table.values() for each in text.split(",")}
        for table in (STOP, START)
    ]
    assert not words[0] & words[1]
    assert all(words[0] | words[1])
    assert all(wish_of(each) == Wish.STOP for each in words[0])
    assert all(wish_of(each) == Wish.START for each in words[1])
