import pytest

from gan_core import UserError
from gan_core.metrics import Scores
from gan_core.training.events import Measure, Step
from gan_core.training.until import NoBetter, Seconds, Steps, parse


@pytest.mark.parametrize(
    ("phrase", "target"),
    [
        ("5000", Steps(5000)), ("5,000 steps", Steps(5000)), ("1_000", Steps(1000)), ("1 step", Steps(1)),
        ("90s", Seconds(90)), ("10m", Seconds(600)), ("1.5 min", Seconds(90)), ("1h30m", Seconds(5400)),
        ("1h 30m 5s", Seconds(5405)), (" 2H ", Seconds(7200)), ("0.5m", Seconds(30)),
        ("no better for 5", NoBetter(5)), ("No better for 3 evaluations", NoBetter(3)),
    ],
)  # fmt: skip
def test_a_phrase_names_a_target(phrase, target):
    assert parse(phrase) == target


@pytest.mark.parametrize(
    "phrase", ["", " ", "soon", "-5", "5 minutes ago", "1.5", "m", "1.2.3s", "h30", "5k", "nanm", "1e-5m"]
)
def test_anything_else_is_answered_with_what_can_be_said(phrase):
    with pytest.raises(UserError, match=r"Cannot read --until .*Give steps \(5000\), a time"):
        parse(phrase)


def test_steps_and_seconds():
    assert [Steps(3).reached(Step(step), 0) for step in (2, 3, 4)] == [False, True, True]
    assert [Seconds(3).reached(Step(9), seconds) for seconds in (2.9, 3, 4)] == [False, True, True]


def test_no_better_counts_measures_since_the_best():
    until, some = NoBetter(2), Scores(1.0, 1.0, 1.0, 1.0, 1.0, None)
    bests = [True, True, False, True, False, False]
    assert [until.reached(Measure(1, 9, some, some, best), 0) for best in bests] == [False] * 5 + [True]
    assert until.reached(Step(9), 0)
