"""Bundles that were made up with care, one for each hole that somebody found, and the honest draws
nearest to them. [S-10]
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from campaigns.draw import draw_frame
from console.proof import verify_draw
from tests.console.proof.bundle_cases import DRAW, MARKETS, Case, Page, case, fans, hours
from waves.choices import Exclusion, Order

BOTH = (Order.BY_PREFERENCE, Order.BY_PREFERENCE)
DRAND = {
    "source": "drand round 5775686",
    "chain": verify_draw.DRAND_CHAIN,
    "round": 5775686,
    "form": verify_draw.DRAND_FORM,
}
NO_PROOF = {"sha256": "00" * 32, "shards_root": "00" * 32}
Change = Callable[[Page], object]


def checked(made: Case, folder: Path, saved: Page | None = None, name: str = "p.json") -> Any:
    """What the checker says of the case, against a page that was saved."""
    made.write(folder / "b.zip")
    arguments = [str(folder / "b.zip")]
    if saved is not None:
        (folder / name).write_text(json.dumps(saved))
        arguments += ["--published", str(folder / name)]
    return verify_draw.check(arguments[0], verify_draw.options_of(arguments)).as_json()


def problems_after(change: Change, folder: Path, **options: Any) -> list[str]:
    made = case(40, **options)
    change(made.page)
    found: list[str] = checked(made, folder)["problems"]
    return found


def withdrawn(at: float, until: float, key: str = "20260129") -> Page:
    """A wave that was prepared and taken back."""
    return {
        "date_key": key,
        "state": "cancelled",
        "kind": "withdrawn",
        "preparations": 1,
        "first_prepared_at": hours(at),
        "prepared_at": hours(at),
        "triggered_at": None,
        "cancelled_at": hours(until),
        "notify_date": hours(60),
    }


def uploaded(fans: int) -> Page:
    """A wave of a list, in a market that no other wave has."""
    market = {"market_id": "us-north", "name": "North", "position": 0, "selection_time": hours(0)}
    seats = {"capacity": 9, "own_capacity": None, "given": 0, "room": 9, "cutoff": None}
    listed = {"fans": fans, "uploaded_by_role": None, "reason": None}
    sent = {
        "kind": "uploaded",
        "state": "completed",
        "triggered_at": hours(1),
        "cancelled_at": None,
    }
    return withdrawn(0.5, 1) | sent | listed | {"markets": [market | seats | {"selected": fans}]}


class TestPage:
    def test_s10_how_many_a_late_change_moved_may_come_later_and_nothing_else(
        self, tmp_path: Path
    ) -> None:
        made = case(40)
        saved = made.published
        saved["late"][1]["moved"] = None
        assert checked(made, tmp_path, saved)["problems"] == []
        closed = copy.deepcopy(made.page) | {"late": saved["late"]}
        assert checked(made, tmp_path, closed)["problems"] == []
        for key, other in (("moved", 4), ("reason", "another"), ("at", hours(-1.5))):
            forged = copy.deepcopy(saved)
            forged["late"][1][key] = other
            problems = checked(made, tmp_path, forged)["problems"]
            assert [each for each in problems if "the page said that late 2" in each], key

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"public_at": hours(-41)}, "was known when the campaign opened"),
            ({"public_at": None}, "was known when the campaign opened"),
            ({"entered_at": hours(-11)}, "entered before it was public"),
            ({"form": None}, "nothing says how its value is written"),
            (DRAND | {"round": 1, "source": "drand round 1"}, "was public at second 1595431050"),
            (DRAND | {"round": 5775687}, "is no round of drand"),
            (DRAND | {"chain": "00" * 32}, "is no round of drand"),
            (DRAND | {"form": "RANDOMNESS"}, "is no round of drand"),
            ({"source": "Drand  Round 5775686"}, "is no round of drand"),
            (DRAND, "is not the randomness of a round"),
        ],
    )
    def test_s8_a_value_that_could_be_known_or_chosen_is_found(
        self, tmp_path: Path, change: dict[str, Any], said: str
    ) -> None:
        def forge(page: Page) -> None:
            page["entropy"].update(change)
            known = (page["entropy"][key] for key in ("public_at", "entered_at"))
            page["late_since"] = min(time for time in known if time)

        problems = problems_after(forge, tmp_path)
        assert any(said in each for each in problems), problems

    @pytest.mark.parametrize(
        ("at", "before", "now"), [(-41, -10.5, -10), (-10.4, -10.5, -10), (-20, -10.5, -25)]
    )
    def test_s8_a_source_moved_when_its_value_could_be_known_or_to_a_known_one_is_found(
        self, tmp_path: Path, at: float, before: float, now: float
    ) -> None:
        def forge(page: Page) -> None:
            free = {"source": "another", "chain": None, "round": None, "form": "as it is"}
            page["entropy"]["moved"] |= free | {"at": hours(at), "public_at": hours(before)}
            page["entropy"]["public_at"] = page["late_since"] = hours(now)

        assert problems_after(forge, tmp_path)

    def test_s8_a_rehearsal_may_have_a_source_of_old(self, tmp_path: Path) -> None:
        def forge(page: Page) -> None:
            page["draw_supplied"] = True
            page["entropy"] |= DRAND | {"public_at": None, "moved": None}
            page["late_since"] = page["entropy"]["entered_at"]

        assert problems_after(forge, tmp_path) == []

    @pytest.mark.parametrize("at", [None, hours(2), hours(-41)])
    def test_s8_the_first_draw_comes_before_each_wave_and_after_the_opening(
        self, tmp_path: Path, at: str | None
    ) -> None:
        assert problems_after(lambda page: page.update(first_drawn_at=at), tmp_path)

    def test_s8_a_file_that_was_drawn_says_when_though_no_wave_was(self, tmp_path: Path) -> None:
        assert problems_after(lambda page: page, tmp_path, orders=()) == []
        problems = problems_after(
            lambda page: page.update(first_drawn_at=None), tmp_path, orders=()
        )
        assert problems == ["Fans were drawn, and nothing says when first."]

    def test_s8_nothing_is_drawn_without_the_value_of_the_source(self, tmp_path: Path) -> None:
        def forge(page: Page) -> None:
            page["entropy"] |= {"value": None, "entered_at": None}

        problems = problems_after(forge, tmp_path)
        assert "Fans were drawn without the value of the public source." in problems

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda page: page.update(late=page["late"][:0]), "late score files are not those"),
            (lambda page: page["late"][0].update(subject="attempt 2"), "late score files are not"),
            (lambda page: page.update(named_attempt=2), "is late, or not there"),
            (lambda page: page.update(named_attempt=None), "None was active"),
            (lambda page: page["attempts"][0].update(active=False), "None is said to be active"),
            (lambda page: page["attempts"][1].update(received_at=hours(-21)), "not numbered in"),
            (lambda page: page["attempts"][0].update(received_at=hours(-41)), "the opening"),
            (lambda page: page["attempts"][0].update(received_at=hours(30)), "before its score"),
            (lambda page: page.update(closed_at=hours(20)), "after the close"),
            (lambda page: page.update(rule_changes=page["rule_changes"][:1]), "no change of rules"),
            (lambda page: page["rule_changes"][1].update(after="99"), "no change of rules"),
            (lambda page: page["late"][0].update(at=hours(-41)), "the opening"),
        ],
    )
    def test_s8_what_was_late_fits_together(
        self, tmp_path: Path, change: Change, said: str
    ) -> None:
        problems = problems_after(change, tmp_path, orders=BOTH)
        assert any(said in each for each in problems), problems

    def test_s13_a_switch_of_the_active_file_counts_from_its_time_on(self, tmp_path: Path) -> None:
        """Only with one could a wave be drawn from another file than the one that was named."""

        def switched(at: float, *subjects: str) -> Change:
            def change(page: Page) -> None:
                page["named_attempt"] = None
                for subject in subjects:
                    late = page["late"][-1] | {"at": hours(at), "subject": subject}
                    number = len(page["late"]) + 1
                    page["late"].append(late | {"number": number, "kind": "activation"})

            return change

        there, back = "attempt 1 made active", "switch undone, attempt 1 active again"
        away = "switch undone, no file active again"
        for honest in ((there,), (there, away, there), (there, "attempt 9 made active", back)):
            assert problems_after(switched(0, *honest), tmp_path) == []
        for forged in ((there, away), ("attempt 9 made active",), ("attempt 1",)):
            assert problems_after(switched(0, *forged), tmp_path) != []
        assert problems_after(switched(5, there), tmp_path) != []

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda page: page.update(proof=NO_PROOF), "names a proof, which it cannot know"),
            (lambda page: page.update(closed_at=hours(-41)), "closed before it opened"),
            (lambda page: page["waves"][0].update(state="paused"), "is paused, though the"),
        ],
    )
    def test_s10_a_page_that_is_not_of_a_close_is_found(
        self, tmp_path: Path, change: Change, said: str
    ) -> None:
        problems = problems_after(change, tmp_path)
        assert any(said in each for each in problems), problems

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda saved, page: saved.update(status="closed"), "closed, and without a seed"),
            (lambda saved, page: saved.update(page, status="open"), "has a seed, though"),
            (lambda saved, page: saved.update(page, proof=NO_PROOF), "names another bundle"),
            (lambda saved, page: saved["entropy"].update(moved=None), "after its value was"),
            (lambda saved, page: saved["attempts"][1].update(state="streamed"), "was drawn, and"),
            (
                lambda saved, page: (
                    saved["attempts"][1].update(state="processing"),
                    page["attempts"][1].update(state="uploaded"),
                ),
                "was processing, and is uploaded now",
            ),
        ],
    )
    def test_s10_a_saved_page_that_says_otherwise_is_found(
        self, tmp_path: Path, change: Callable[[Page, Page], object], said: str
    ) -> None:
        made = case(40)
        saved = made.published
        change(saved, made.page)
        problems = checked(made, tmp_path, saved)["problems"]
        assert any(said in each for each in problems), problems

    @pytest.mark.parametrize("name", ["proof", "excluded", "entropy", "a proof"])
    @pytest.mark.parametrize("content", [None, {}, {"scheme": 2}])
    def test_s10_a_saved_page_is_whole_whatever_its_file_is_called(
        self, tmp_path: Path, name: str, content: Any
    ) -> None:
        (tmp_path / name).write_text(json.dumps(content))
        case(40).write(tmp_path / "b.zip")
        arguments = [str(tmp_path / "b.zip"), "--published", str(tmp_path / name)]
        found = verify_draw.check(arguments[0], verify_draw.options_of(arguments)).as_json()
        assert len(found["problems"]) == 1

    def test_s8_which_file_was_named_is_compared_once_luck_could_be_known(
        self, tmp_path: Path
    ) -> None:
        """Before the first draw, too: since the value is public no other can be named."""
        made = case(40)
        saved = made.published | {"waves": [], "first_drawn_at": None, "named_attempt": None}
        saved["entropy"] |= {"value": None, "entered_at": None}
        early = {"late": [], "attempts": saved["attempts"][:1], "rule_changes": []}
        assert checked(made, tmp_path, saved | early)["problems"] == []
        problems = checked(made, tmp_path, saved)["problems"]
        assert [each for each in problems if "named_attempt" in each]

    def test_s10_the_words_of_an_uploaded_wave_say_no_more_than_the_page(
        self, tmp_path: Path
    ) -> None:
        made = case(40)
        made.page["waves"].insert(0, uploaded(3))
        found = checked(made, tmp_path)
        assert found["problems"] == []
        words = next(each["why"] for each in found["unchecked"] if "not drawn" in each["why"])
        assert words == (
            "Wave 20260129 was not drawn: 3 fans, uploaded (the page does not say by whom). The"
            " page does not say why."
        )


def drawn() -> pl.DataFrame:
    return draw_frame(fans(1_200), DRAW)


def rows_by_luck(band: str) -> list[int]:
    """Rows of a band, the luckiest first: all wish for a market, above the minimum of a wave."""
    wishes = pl.col("preferences").list.len() > 0
    its = drawn().with_row_index().filter(wishes, pl.col("band") == band, pl.col("raw_score") > 0.3)
    return its.sort("band_score", descending=True)["index"].to_list()


class TestLeftOut:
    @pytest.mark.parametrize("reason", ["no_contact", "registered_too_late"])
    def test_s10_a_wave_that_was_taken_back_switches_no_test_of_luck_off(
        self, tmp_path: Path, reason: str
    ) -> None:
        """But luck that is worse than even may come from it: it held the lucky."""
        rows = rows_by_luck("high")
        for its, found_out in ((rows[:60], True), (rows[-60:], False)):
            made = case(drawn=drawn(), left_out=dict.fromkeys(its, reason))
            made.page["waves"].insert(0, withdrawn(0, 5))
            problems = checked(made, tmp_path)["problems"]
            assert any("uneven luck" in each for each in problems) == found_out

    def test_s10_small_groups_are_tested_together(self, tmp_path: Path) -> None:
        reasons = sorted(verify_draw.CONTACT)[:5]
        lucky = rows_by_luck("high")[:150]
        made = case(drawn=drawn(), left_out={row: reasons[at % 5] for at, row in enumerate(lucky)})
        problems = checked(made, tmp_path)["problems"]
        assert [each for each in problems if f"left out as {' or '.join(reasons)}" in each]
        lucky = rows_by_luck("high")
        even = lucky[:: len(lucky) // 60][:60]
        made = case(drawn=drawn(), left_out={row: reasons[at % 2] for at, row in enumerate(even)})
        found = checked(made, tmp_path)
        assert (found["problems"], found["unusual"]) == ([], [])
        assert any("tested only together, 60 fans" in each["why"] for each in found["unchecked"])

    def test_w5_the_reasons_are_those_that_the_product_can_give(self, tmp_path: Path) -> None:
        assert set(Exclusion) == verify_draw.REASONS
        forged = case(40, left_out={0: "suppressed_after_trigger"})
        assert checked(forged, tmp_path)["problems"]

    @pytest.mark.parametrize(("let_in", "by_name"), [(True, True), (True, False), (False, False)])
    def test_w5_the_minimum_of_a_wave_holds_for_each_fan(
        self, tmp_path: Path, let_in: bool, by_name: bool
    ) -> None:
        """One is let in below it, or left out above it, and all counts are made to fit."""
        made = case(60)
        (wave,), (cells,) = made.page["waves"], made.cells.values()
        low, refs = "!below_minimum_score", made.drawn["fan_ref"]
        waiting = set(refs) - set(made.members[wave["date_key"]]["fan_ref"])
        fits = (lambda cell: cell == low) if let_in else (lambda cell: cell[:1] != "!")
        wishes = made.drawn["preferences"].to_list()
        row = next(
            at
            for at, cell in enumerate(cells)
            if fits(cell) and refs[at] in waiting and by_name <= bool(wishes[at])
        )
        asked = wishes[row] or list(MARKETS)
        cells[row] = "|".join(asked) if let_in else low
        more = 1 if let_in else -1
        wave |= {name: wave[name] + more for name in ("candidates", "waitlist")}
        wave["excluded"]["below_minimum_score"] -= more
        assert checked(made, tmp_path)["problems"] == [
            "Wave 20260121: its minimum of 0.25 is not applied to the raw score of each fan."
        ]

    def test_w5_who_asked_for_a_market_that_is_not_in_the_wave_is_no_candidate_for_it(
        self, tmp_path: Path
    ) -> None:
        made = case(60, orders=(Order.SINGLE_MARKET,))
        (cells,) = made.cells.values()
        wishes = made.drawn["preferences"].list.join("|").to_list()
        row = next(at for at, asked in enumerate(wishes) if cells[at] and "|" in asked)
        cells[row] = wishes[row]
        problems = checked(made, tmp_path)["problems"]
        assert [each for each in problems if f"{wishes[row]} does not follow from" in each]

    def test_w5_seats_are_not_given_by_a_wave_that_was_cancelled_before(
        self, tmp_path: Path
    ) -> None:
        """By one that was still prepared they may be: that is unusual, and said."""

        def found(until: float) -> Any:
            made = case(40)
            made.page["waves"].insert(0, withdrawn(0, until))
            for market in made.page["waves"][1]["markets"]:
                market["given"] += 1_000
                market["capacity"] += 1_000
            return checked(made, tmp_path)

        assert any("1000 seats are said to be given" in each for each in found(0.5)["problems"])
        assert found(5)["problems"] == []
        assert any("seats are said to be given" in each for each in found(5)["unusual"])

    def test_w5_each_fan_of_an_uploaded_list_explains_one_exclusion(self, tmp_path: Path) -> None:
        """Nobody of a live list holds the code of one that was cancelled."""
        row = rows_by_luck("high")[0]
        for reason, cancelled, right in (
            ("already_in_wave", False, True),
            ("holds_code", False, False),
            ("already_in_wave", True, False),
            ("holds_code", True, True),
        ):
            made = case(drawn=drawn(), left_out={row: reason})
            ended = {"state": "cancelled", "triggered_at": hours(0.6), "cancelled_at": hours(0.7)}
            made.page["waves"].insert(0, uploaded(1) | (ended if cancelled else {}))
            assert (checked(made, tmp_path)["problems"] == []) == right, (reason, cancelled)
