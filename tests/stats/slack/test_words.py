"""What Slack reads of figures, waves and merges. [O-3]"""

from __future__ import annotations

from datetime import timedelta

from stats.slack.words import Merged, of_campaign, of_merges, of_wave
from stats.snapshots.figures import Figures

LINK = "https://presale.example/page/"
SENT = {"sent": 98_000, "delivered": 90_000, "undeliverable": 0, "failed": 2_000, "unknown": 0}


def test_o3_the_figures_of_a_campaign_are_told_with_what_changed():
    before = Figures(registered=12_000, confirmed=9_000).as_json()
    now = Figures(
        registered=12_120,
        confirmed=9_000,
        scored=12,
        accepted=10,
        rejected=2,
        bands={"high": 4, "low": 6},
        selected={"east": 3, "west": 1_000},
        codes={"free": 30, "reserved": 0, "assigned": 1_003},
        messages={"sms": SENT | {"waiting": 0}, "email": {}},
    ).as_json()
    text = of_campaign("Spring Tour (12345)", "The Band", now, before, LINK)
    assert text.splitlines() == [
        ":bar_chart: Spring Tour (12345), The Band",
        "Registered: 12,120 (+120), with a confirmed phone: 9,000",
        "Score file: 10 (+10) accepted (high 4, low 6), 2 rejected",
        "Selected: 1,003",
        "Access codes: 30 free, 0 reserved, 1,003 assigned",
        "SMS: 98,000 sent, 90,000 delivered, 2,000 failed",
        LINK,
    ]


def test_o3_figures_that_are_told_first_have_no_change():
    text = of_campaign("Tour", "The Band", Figures(registered=7).as_json(), {}, LINK)
    assert text.splitlines()[1:] == ["Registered: 7, with a confirmed phone: 0", LINK]


def test_o3_the_summary_of_a_wave_has_channels_reasons_and_rate():
    text = of_wave(
        "12345_20260121",
        100_000,
        {"sms": SENT, "email": {"sent": 5}},
        {"sms": 500},
        {"sms": {f"Reason {n}": n for n in range(1, 8)}},
        timedelta(minutes=8, seconds=25),
        LINK,
    )
    assert text.splitlines() == [
        ":white_check_mark: Wave 12345_20260121 is complete: 100,000 fans in 8 min 25 s",
        (
            "SMS: 98,000 sent, 90,000 delivered, 2,000 failed (Reason 7 7, Reason 6 6, Reason 5 5,"
            " Reason 4 4, Reason 3 3, 2 other reasons); 196 per second"
        ),
        "E-mail: 5 sent",
        LINK,
    ]


def test_o3_merges_are_told_by_type():
    def merged(period: str) -> Merged:
        return Merged("scoring", period, 12, 1_500, 2_500_000, 1_200_000, 0.25)

    one = Merged("registration", "2026-01", 1, 1, 900, 800, 0.1)
    text = of_merges([merged("2026-01-21"), one, merged("2026-01-20")], LINK)
    assert text.splitlines() == [
        ":card_file_box: Merged in the lake",
        "registration, 1 period (2026-01): 1 file, 1 record, 900 B before, 800 B after, 0.1 s",
        (
            "scoring, 2 periods (2026-01-20 to 2026-01-21): 24 files, 3,000 records, 5.0 MB before,"
            " 2.4 MB after, 0.5 s"
        ),
        LINK,
    ]
