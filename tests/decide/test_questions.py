"""The four answers: what was found decides, and what would change them is found by planning again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deepworth.decide.candidates import choose
from deepworth.decide.questions import answers
from deepworth.decide.situation import Situation
from deepworth.types import Answer, Column, Concern, Goals, Roles
from tests.decide.made import CLIPS, CPU, PHOTOS, TABLE, TEXTS, situation, with_train

GROUP = Concern(id="group", message="speaker looks like what rows belong to", columns=("speaker",))
TIME = Concern(id="time", message="the rows are in the order of day", columns=("day",))


def four(made: Situation) -> dict[str, Answer]:
    return {answer.question: answer for answer in answers(made, choose(made))}


@pytest.mark.parametrize(("work", "said"), [(TABLE, "unsure"), (PHOTOS, "yes"), (TEXTS, "yes"), (CLIPS, "yes")])
def test_the_kind_of_data(work: object, said: str) -> None:
    assert four(situation(work))["data"].answer == said


def test_time_and_groups_come_first() -> None:
    data = four(situation(CLIPS, concerns=(GROUP,)))["data"]
    assert data.because.startswith("Rows belong together by speaker, but they are divided at random")
    assert any("--group speaker" in change for change in data.changes)
    data = four(situation(TABLE, concerns=(TIME,)))["data"]
    assert data.because.startswith("The rows are in the order of time")
    assert any("--time-column day" in change for change in data.changes)
    assert data.facts[0].value == "time"
    told = four(situation(TABLE, roles=Roles(time="day"), protocol="time"))["data"]
    assert told.because.startswith("The rows are divided by day, past to future")
    given = four(situation(CLIPS, concerns=(GROUP,), protocol="given"))["data"]
    assert "came with the data" in given.because
    assert not given.changes


def test_columns_beside_media_are_offered() -> None:
    beside = (Column(name="rooms", kind="number"), Column(name="area", kind="number"), Column(name="who", kind="id"))
    (change,) = four(situation(PHOTOS, beside=beside))["data"].changes
    assert change.startswith("with --modality tabular, rooms and area would be read instead, by linear, lightgbm")


@pytest.mark.parametrize(
    ("work", "train", "said"),
    [
        (TABLE, 100, "no"),
        (TABLE, 5000, "unsure"),
        (TABLE, 50_000, "yes"),
        (PHOTOS, 9999, "no"),
        (PHOTOS, 10_000, "yes"),
    ],
)
def test_the_amount(work: object, train: int, said: str) -> None:
    assert four(situation(with_train(work, train)))["amount"].answer == said


def test_more_rows_would_let_a_network_from_scratch_in() -> None:
    (change,) = four(situation(PHOTOS))["amount"].changes
    assert change.startswith("from 10,000 training images on, the custom rung would enter: image-resnet (~")
    assert not four(situation(with_train(PHOTOS, 2_000_000)))["amount"].changes


def test_hardware_here_and_elsewhere() -> None:
    none = four(situation(PHOTOS, Goals(seconds=120)))["hardware"]
    assert none.answer == "no"
    assert "2 cores, no GPU" in none.because
    assert any(
        c.startswith("with a T4 (16 GB, $") and "the tuned rung would enter: image-tuned" in c for c in none.changes
    )
    card = four(situation(PHOTOS, Goals(seconds=120, hardware="T4")))["hardware"]
    assert card.answer == "yes"
    assert "without a GPU, image-tuned would drop out" in card.changes
    small = replace(CPU, accelerator="cuda", accelerators=1, accelerator_gb=4.0)
    assert four(situation(PHOTOS, machine=small))["hardware"].answer == "unsure"


def test_a_cheaper_card_is_named_with_its_break_even() -> None:
    (_, cheaper) = four(situation(PHOTOS, Goals(hardware="H100")))["hardware"].changes
    assert cheaper.startswith("a T4 (16 GB, $0.53 an hour) would do the same for $0.0")
    assert "pays over the T4 above a speed-up of " in cheaper
    assert not any(
        "would do the same for" in c for c in four(situation(PHOTOS, Goals(hardware="T4")))["hardware"].changes
    )


def test_what_would_change_the_hardware_is_what_planning_there_gives() -> None:
    made = situation(PHOTOS, Goals(seconds=120))
    before = {c.model for c in choose(made, installed_only=False).runs}
    after = {c.model for c in choose(made.on("T4"), installed_only=False).runs}
    assert after - before == {"image-tuned"}


def test_weeks_not_given_is_said_and_what_more_time_brings() -> None:
    once = four(situation(PHOTOS, Goals(seconds=60, told=False)))["iterations"]
    assert once.answer == "unsure"
    assert "Neither --weeks nor --time was given, so one run of 1 minute is taken as granted" in once.because
    assert "too long for it: image-tuned" in once.because
    assert any(change.startswith("with --time ") and "tuned" in change for change in once.changes)
    assert any(c.startswith("with --weeks 1 (up to 8 hours a run), the tuned rung would enter") for c in once.changes)
    assert any(c.startswith("with --weeks 4 or 12, no further model would enter: image-resnet") for c in once.changes)
    assert four(situation(PHOTOS, Goals(seconds=60)))["iterations"].answer == "no", "one run, as told, is too short"
    assert four(situation(PHOTOS, Goals(seconds=36_000)))["iterations"].answer == "yes"
    assert four(situation(PHOTOS, Goals(weeks=3, seconds=86_400)))["iterations"].answer == "yes"
    assert four(situation(PHOTOS, Goals(weeks=1, seconds=60)))["iterations"].answer == "no"


def test_a_limit_of_memory_is_no_lack_of_time() -> None:
    """Whatever is skipped for memory is not too long, and enters with no weeks: its reason is told."""
    made = situation(PHOTOS, Goals(seconds=1e9, memory_gb=0.3, models=("image-resnet", "image-backbone")))
    skipped = [c for c in choose(made).candidates if c.decision == "skip"]
    assert len(skipped) == 2 and all("GB of memory, the limit is" in c.reason for c in skipped)
    answer = four(made)["iterations"]
    assert answer.answer == "yes" and "too long for it" not in answer.because
    (change,) = answer.changes
    assert "all of them" not in change and "with --time" not in change
    assert "image-backbone stays out, since it takes about 1.1 GB of memory, the limit is 0.3 GB" in change


def test_what_no_project_is_long_enough_for_is_not_called_tried() -> None:
    endless = with_train(PHOTOS, 3_000_000)
    (*_, change) = four(situation(endless, Goals(seconds=60, models=("image-resnet",))))["iterations"].changes
    assert change.endswith("no model would enter: image-resnet stays out, since a run may take 60 hours")
    (*_, change) = four(situation(TABLE, Goals(seconds=36_000)))["iterations"].changes
    assert change.endswith("no model would enter: all of them are tried")


def test_the_limit_that_is_named_lets_in_what_is_named() -> None:
    made = situation(PHOTOS, Goals(seconds=60))
    change = four(made)["iterations"].changes[0]
    minutes = int(change.removeprefix("with --time ").partition("m,")[0])
    longer = replace(made, goals=Goals(seconds=60.0 * minutes))
    assert "image-tuned" in {c.model for c in choose(longer).runs}


def test_the_limit_in_which_everything_ends_is_named() -> None:
    made = situation(with_train(TABLE, 3_000_000), Goals(seconds=300))
    answer = four(made)["iterations"]
    assert "the longest of it is likely cut short" in answer.because
    assert "more time would not" not in " ".join(answer.changes)
    assert any("all that is to run would likely end" in change for change in answer.changes)


def test_a_speed_up_that_is_sure_is_not_doubted() -> None:
    """The dollars of both overlap, and yet at no end of the estimates is the A10G nearly so much faster."""
    (_, cheaper) = four(situation(PHOTOS, Goals(hardware="A10G")))["hardware"].changes
    assert "pays over the T4 above a speed-up of 1.9x" in cheaper
    assert "ranges overlap" not in cheaper


def test_a_hint_says_what_it_takes_to_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = lambda spec: ("torch",) if "torch" in spec.needs else ()  # noqa: E731
    monkeypatch.setattr("deepworth.decide.candidates.missing", lacking)
    changes = four(situation(PHOTOS, Goals(seconds=120)))["hardware"].changes
    assert any("an hour) and what image-backbone" in c and "need installed, " in c for c in changes)


def test_one_card_instead_of_several_is_named_where_they_only_share_small_batches() -> None:
    (cheaper,) = (
        change
        for change in four(situation(PHOTOS, Goals(hardware="4x T4")))["hardware"].changes
        if "do the same" in change
    )
    assert "the 4x T4 pays over the T4 above a speed-up of 4.0x; yours is 1." in cheaper
