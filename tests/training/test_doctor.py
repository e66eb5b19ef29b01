"""The doctor on made streams of events: each alarm, its absence, and that it is said once."""

import itertools
import json
import re
import shlex
from dataclasses import asdict, replace
from math import inf, nan

import pytest

from gan_core.cli import _parser
from gan_core.config import ModelConfig, TrainConfig
from gan_core.errors import UserError
from gan_core.metrics.scores import Scores
from gan_core.training.doctor import ADVICE, GRAVITY, Doctor, advised, cure, error_of_rank, options, told
from gan_core.training.events import Measure, Report, Step, Vitals

MODEL, TRAIN = ModelConfig(image_size=28, nc=1), TrainConfig()
WARM = 1000  # the step at which lr_G * steps is 0.2

REPORT = Report(0, 10_000, 1.0, 1000.0, 0.8, 1.5, 0.7, 0.3, 100.0, 7.0, 0.95)
VITALS = Vitals(
    0, spread=0.8, apart=1.0, twins=0.05, off=0.3, moved=0.1, missing=0, classes=10, strangers=256,
    knows=0.51, passes=0.95, logits=5.0, weights_G=9.0, weights_D=6.0, seconds=0.1,
)  # fmt: skip


def measure(step, frechet):
    scores = Scores(frechet, 0.5, 0.5, 0.5, 0.5, None)
    return Measure(step, 2000, scores, scores, False)


def reports(*changes, every=50, start=0):
    return [replace(REPORT, step=start + every * (i + 1), **change) for i, change in enumerate(changes)]


def looks(*changes, every=100, start=WARM):
    return [replace(VITALS, step=start + every * (i + 1), **change) for i, change in enumerate(changes)]


def said(events, model=MODEL, train=TRAIN):
    doctor = Doctor(model, train)
    return [(advice.key, advice.step) for event in events for advice in doctor.hear(event)]


def keys(events, model=MODEL, train=TRAIN):
    return [key for key, _ in said(events, model, train)]


def test_a_healthy_run_is_left_in_peace():
    early = [dict(spread=0.2, twins=0.99, missing=7), dict(spread=0.3, twins=0.7), dict(spread=0.5, twins=0.2)]
    events = [*reports(*[{}] * 40), *looks(*early, start=0), *looks(*[{}] * 40)]
    falling = [measure(500 * i, 100 / i) for i in range(1, 20)]
    assert said(sorted([*events, *falling, Step(5)], key=lambda event: event.step)) == []


ALIKE = {"spread": 0.2, "twins": 0.9}


class TestVanishing:
    def test_the_saturating_loss_at_the_first_report_where_its_slope_is_gone(self):
        gone = reports({}, dict(sure=1.0, D_Gz=0.01), dict(sure=1.0, D_Gz=0.001))
        assert said(gone, train=replace(TRAIN, loss="minimax")) == [("saturated", 100)]

    def test_a_loss_whose_slope_is_not_the_belief_does_not_saturate(self):
        assert keys(reports(*[dict(sure=1.0, D_Gz=0.001, grad_G=20.0)] * 5)) == []

    @pytest.mark.parametrize("change", [dict(sure=0.97, D_Gz=0.001), dict(sure=1.0, D_Gz=0.1)])
    def test_minimax_is_well_while_d_doubts_or_the_slope_is_there(self, change):
        assert keys(reports(*[change] * 5), train=replace(TRAIN, loss="minimax")) == []

    def test_any_loss_when_the_gradient_stays_below_a_hundredth_of_what_it_was(self):
        left = dict(sure=1.0, grad_G=0.06)
        assert said(reports({}, left, left, left, left)) == [("vanishing", 200)]
        assert keys(reports({}, left, left, {}, left, left)) == []

    def test_a_small_gradient_alone_is_no_illness_while_d_is_beaten(self):
        assert keys(reports({}, *[dict(sure=0.5, grad_G=0.01)] * 5)) == []


class TestCollapse:
    def test_after_two_looks_in_a_row(self):
        assert said(looks({}, ALIKE, ALIKE, ALIKE)) == [("collapse", WARM + 300)]
        assert keys(looks({}, ALIKE, {}, ALIKE, {})) == []

    def test_twins_tell_when_the_spread_does_not(self):
        """A few far-apart pictures, each painted again and again."""
        assert keys(looks({}, *[dict(spread=0.9, twins=0.95)] * 2)) == ["collapse"]

    def test_who_never_varied_may_be_young(self):
        young = looks(*[ALIKE] * 9, start=0)
        assert keys(young) == []
        assert said([*young, *looks(*[ALIKE] * 3, start=WARM - 100)]) == [("collapse", WARM + 100)]

    def test_a_slow_learning_rate_is_young_for_longer(self):
        slow = replace(TRAIN, lr_G=2e-5)
        assert keys(looks(*[ALIKE] * 20), train=slow) == []
        assert keys(looks(*[ALIKE] * 2, start=10 * WARM), train=slow) == ["collapse"]

    def test_who_had_learned_to_vary_is_old_enough(self):
        assert said(looks({}, ALIKE, ALIKE, start=0)) == [("collapse", 300)]

    def test_who_lost_it_has_collapsed_wherever_it_jumps_to(self):
        fled = ALIKE | {"moved": 3.0}
        assert said(looks({}, fled, fled, *[fled] * 5)) == [("collapse", WARM + 300)]

    def test_who_is_late_but_still_spreading_is_not_stuck(self):
        growing = [dict(spread=0.05 * 1.2**i, twins=1.0) for i in range(10)]
        assert keys(looks(*growing, every=200, start=0)) == []

    def test_classes_that_are_gone(self):
        gone = dict(missing=6)
        assert said(looks({}, gone, gone)) == [("collapse_classes", WARM + 300)]
        assert keys(looks({}, *[dict(missing=4)] * 5)) == []
        assert keys(looks({}, *[dict(missing=None, classes=None)] * 5)) == []

    def test_of_many_classes_so_few_pictures_cannot_show_each(self):
        assert keys(looks(*[dict(missing=40, classes=56)] * 5)) == []


class TestOverfitting:
    def test_when_d_knows_its_pictures(self):
        assert said(looks({}, dict(knows=0.8), dict(knows=0.85))) == [("overfitting", WARM + 300)]
        assert keys(looks(*[dict(knows=0.7)] * 9)) == []

    def test_few_strangers_rank_by_chance(self):
        assert keys(looks(*[dict(knows=0.85, strangers=5)] * 9)) == []
        assert keys(looks(*[dict(knows=0.95, strangers=5)] * 2)) == ["overfitting"]

    def test_nothing_without_strangers(self):
        assert keys(looks(*[dict(knows=None, passes=None, strangers=0)] * 9)) == []
        assert keys(looks(*[dict(knows=1.0, strangers=2)] * 9)) == [], "one odd picture ranks last in every look"

    def test_the_error_of_a_rank_is_that_of_mann_and_whitney(self):
        n, m = 10, 100_000
        assert error_of_rank(n) == pytest.approx(((n + m + 1) / (12 * n * m)) ** 0.5, rel=1e-3)


class TestDivergence:
    @pytest.mark.parametrize("change", [dict(loss_G=60.0), dict(loss_D=-1e3), dict(loss_D=inf), dict(loss_D=nan)])
    def test_losses_that_run_away(self, change):
        assert said(reports({}, change)) == [("diverging", 100)]

    def test_loud_losses_of_a_strong_d_do_not(self):
        assert keys(reports(*[dict(loss_G=20.0)] * 9)) == []

    def test_wgan_is_measured_by_the_width_of_picture_space(self):
        """28 x 28 grey: pictures lie at most 56 apart, and twice that is let pass."""
        wgan, far = replace(TRAIN, loss="wgan"), dict(loss_D=-100.0, loss_G=70.0, D_x=30.0)
        assert keys(reports({}, far | dict(D_Gz=-70.0)), train=wgan) == []
        assert keys(reports({}, far | dict(D_Gz=-90.0)), train=wgan) == ["diverging"]

    def test_numbers_that_end_are_explained_before_they_are_raised(self):
        def broken():
            yield REPORT
            raise UserError("diverged", step=70)

        events = advised(broken(), Doctor(MODEL, TRAIN))
        assert next(events) == REPORT
        advice = next(events)
        assert (advice.key, advice.step) == ("diverged", 70)
        with pytest.raises(UserError, match="stopped being numbers"):
            next(events)

    def test_other_errors_are_not_its_business(self):
        def broken():
            yield REPORT
            raise UserError("no_data_named")

        with pytest.raises(UserError):
            assert list(advised(broken(), Doctor(MODEL, TRAIN)))


class TestOscillation:
    def test_when_all_pictures_keep_moving_far(self):
        assert said(looks(*[dict(moved=1.0)] * 5)) == [("oscillating", WARM + 400)]
        assert keys(looks(*[dict(moved=0.4)] * 9)) == []
        assert keys(looks(*[dict(moved=1.0)] * 5, start=0)) == []

    def test_alike_and_moving_is_told_once_as_moving(self):
        assert keys(looks(*[dict(moved=1.2, spread=0.2, twins=0.9)] * 9)) == ["oscillating"]


class TestNoBetter:
    def test_after_five_that_did_not_beat_the_best(self):
        values = [50, 30, 31, 35, 33, 32, 36, 40]
        assert said([measure(100 * (i + 1), value) for i, value in enumerate(values)]) == [("no_better", 700)]

    def test_one_lucky_value_does_not_hide_that_the_others_still_fall(self):
        assert keys([measure(i, value) for i, value in enumerate([20, 40, 38, 35, 32, 29, 26, 23])]) == []

    def test_again_only_after_a_new_best(self):
        values = [30, *[31] * 9, 20, *[31] * 9]
        assert said([measure(i, value) for i, value in enumerate(values)]) == [("no_better", 5), ("no_better", 15)]

    def test_it_names_the_best_step_and_both_values(self):
        doctor = Doctor(MODEL, TRAIN)
        advices = [a for i, value in enumerate([9.25, *[12.5] * 5]) for a in doctor.hear(measure(300 * (i + 1), value))]
        for word in ("5 evaluations", "step 300", "9.25", "12.5"):
            assert word in advices[0].en


class TestOnce:
    def test_an_alarm_holds_until_it_is_truly_over(self):
        ill, well, between = dict(knows=0.9), dict(knows=0.5), dict(knows=0.7)
        assert len(said(looks(*[ill] * 20))) == 1
        assert len(said(looks(*[ill] * 3, *[between] * 9, *[ill] * 3))) == 1
        assert len(said(looks(*[ill] * 3, *[well] * 2, *[ill] * 3))) == 1
        assert len(said(looks(*[ill] * 3, *[well] * 3, *[ill] * 3))) == 2

    def test_what_may_follow_from_a_graver_illness_is_not_told(self):
        loud, alike = reports({}, dict(loss_G=99.0)), looks(*[ALIKE] * 5, start=WARM)
        assert keys([*loud, *alike]) == ["diverging"]

    def test_what_is_graver_is_told_all_the_same(self):
        known = looks(*[dict(knows=0.9)] * 3)
        assert keys([*known, *looks(*[ALIKE | dict(knows=0.9)] * 2, start=WARM + 300)]) == [
            "overfitting",
            "collapse",
        ]

    def test_the_last_sound_step_is_known(self):
        doctor = Doctor(MODEL, TRAIN)
        for event in looks({}, {}, ALIKE, ALIKE):
            doctor.hear(event)
        assert doctor.sound == WARM + 200


EVERY = {
    "saturated": (reports({}, dict(sure=1.0, D_Gz=0.0)), dict(loss="minimax")),
    "vanishing": (reports({}, *[dict(sure=1.0, grad_G=0.0)] * 3), {}),
    "collapse": (looks({}, *[ALIKE] * 2), {}),
    "collapse_classes": (looks({}, *[dict(missing=9)] * 2), {}),
    "oscillating": (looks(*[dict(moved=1.0)] * 4), {}),
    "overfitting": (looks(*[dict(knows=1.0)] * 2), {}),
    "diverging": (reports(dict(loss_D=1e6)), {}),
    "no_better": ([measure(i, 1 + i) for i in range(6)], {}),
}


class TestWords:
    def advice(self, key):
        if key == "diverged":
            return Doctor(MODEL, TRAIN).diverged(7)
        events, train = EVERY[key]
        doctor = Doctor(MODEL, replace(TRAIN, **train))
        return next(advice for event in events for advice in doctor.hear(event))

    @pytest.mark.parametrize("key", [*EVERY, "diverged"])
    def test_each_says_one_sentence_in_both_languages_with_its_numbers(self, key):
        advice = self.advice(key)
        assert advice.key == key
        assert advice.en.endswith((".", "pictures.")) and not re.search(r"[.!?] [A-Z]", advice.en)
        assert advice.zh.endswith("。") and re.search(r"[\u4e00-\u9fff]{8}", advice.zh)
        assert re.search(r"\d", advice.en) and "--" in advice.en and "--" in advice.zh
        assert "{" not in advice.en + advice.zh

    def test_there_is_a_sentence_for_everything_it_may_find(self):
        assert {*GRAVITY, "diverged", "healthy"} == set(ADVICE) and set(EVERY) == set(GRAVITY)

    def test_every_cure_is_a_setting_that_train_takes(self):
        trains = [
            TRAIN, replace(TRAIN, batch_size=8), replace(TRAIN, loss="wgan"), replace(TRAIN, lr_G=1e-3),
            replace(TRAIN, loss="minimax", d_moves=3), replace(TRAIN, augment=("color",)),
            replace(TRAIN, betas=(0.9, 0.999)), replace(TRAIN, loss="rpgan", r1_gamma=1.0, augment=("color",)),
        ]  # fmt: skip
        models = [replace(MODEL, norm_D=norm) for norm in ("batch", "none", "spectral")]
        for key, model, train in itertools.product([*EVERY, "diverged"], models, trains):
            taken = _parser().parse_args(["train", "--run", "x", *shlex.split(options(cure(key, model, train)))])
            assert any(name.startswith(("TrainConfig.", "ModelConfig.")) for name in vars(taken)), (key, model, train)

    def test_what_wgan_lacks_is_named(self):
        assert cure("diverging", replace(MODEL, norm_D="none"), replace(TRAIN, loss="wgan")) == {"gp_weight": 10}
        assert cure("diverging", MODEL, replace(TRAIN, loss="wgan")) == {"clip_D": 0.01}


def test_what_was_written_is_read_again_and_old_lines_are_passed_over():
    events = [replace(REPORT, step=50), replace(VITALS, step=50), measure(50, 3.0)]
    lines = [{"event": type(event).__name__.lower()} | asdict(event) for event in events]
    lines = json.loads(json.dumps(lines))
    torn = [{"event": "report", "step": 1, "loss_D": 1.0}, {"event": "measure", "step": 2, "value": 3.0}, {"step": 9}]
    others = [{"event": "sample", "step": 3, "file": "x"}, {"event": "resumed", "step": 4}]
    assert list(told([*torn, *others, *lines])) == events
