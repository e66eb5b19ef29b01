import pytest

from gan_core.commands.forecast import Forecast, about


def heard(words):
    """What is said to words of progress (second, done, total, what)."""
    said, now = [], [0.0]
    forecast = Forecast(said.append, lambda: now[0])
    for second, *word in words:
        now[0] = second
        forecast(*word)
    return said


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("prepare", "Preparing 120,000 pictures takes about 3 minutes; the next start finds them ready."),
        ("read", "Reading 120,000 pictures takes about 3 minutes."),
    ],
)
def test_one_sentence_after_the_first_second(what, sentence):
    pace = [(10 + i / 4, 160 * i, 120_000, what) for i in range(9)]  # 640 a second, from second 10 on
    assert heard(pace[:4]) == []
    assert heard(pace) == [sentence]


def test_what_is_short_or_no_pictures_is_not_said():
    assert heard([(i / 4, 100 * i, 1_990, "read") for i in range(9)]) == []  # 400 a second: 4.975 s
    assert heard([(i / 4, 100 * i, 2_000, "read") for i in range(9)]) == [
        "Reading 2,000 pictures takes about 5 seconds."
    ]
    assert heard([(i, i, 1000, "download") for i in range(9)]) == []
    assert heard([(0, 0, 1000, "wait"), (60, 0, 1000, "wait"), (61, 0, 1000, "read"), (63, 900, 1000, "read")]) == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "5 seconds"), (12, "10 seconds"), (13, "15 seconds"), (57, "55 seconds"), (58, "1 minute"),
        (89, "1 minute"), (91, "2 minutes"), (5400, "90 minutes"), (5500, "2 hours"), (400_000, "111 hours"),
    ],
)  # fmt: skip
def test_as_a_person_would_say_it(seconds, words):
    assert about(seconds) == f"about {words}"
