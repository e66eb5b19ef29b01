"""The doctor's trial: what it tries, how it judges, and that a case can be played. The trial itself takes minutes."""

from dataclasses import replace

import pytest
import torch

from gan_core.bench import proof
from gan_core.bench.proof import CASES, Case, Outcome, examine, pictures, shapes, tally
from gan_core.metrics.features import by_classes
from gan_core.training.doctor import GRAVITY

SICK = Outcome("x", "collapse or collapse_classes", ("collapse@40",), 40, 50, True, 99, 0.1, 0.9)


def test_there_are_enough_cases_of_every_kind_on_three_sets():
    healthy, sick = [case for case in CASES if not case.wanted], [case for case in CASES if case.wanted]
    assert len(CASES) >= 24 and {case.data for case in healthy} == {"fashion", "fruits", "shapes"}
    assert {key for case in sick for key in case.wanted} == {*GRAVITY, "diverged"}
    assert len({case.seed for case in CASES}) == len(CASES) and not {101, 202, 404} & {case.seed for case in CASES}
    few = [case for case in CASES if case.quick]
    assert len(few) < 10 and any(not case.wanted for case in few)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "hit"),
        ({"said": ("collapse_classes@40",)}, "hit"),
        ({"said": (), "alarm": None}, "miss"),
        ({"said": ("collapse@60",), "alarm": 60}, "late"),
        ({"broken": None}, "hit"),
        ({"said": ("collapse@40", "overfitting@60")}, "false alarm"),
        ({"wanted": "", "said": ("no_better@9",), "alarm": None}, "false alarm"),
        ({"wanted": "", "said": (), "alarm": None, "broken": None}, "quiet"),
    ],
)
def test_how_a_run_is_judged(changes, verdict):
    assert replace(SICK, **changes).verdict == verdict


def test_the_tally_counts_every_run_once():
    quiet = replace(SICK, wanted="", said=(), alarm=None, broken=None)
    said = tally([SICK, SICK, replace(SICK, said=(), alarm=None), quiet])
    assert said.startswith("3 sick runs: 2 found in time, 0 late, 1 missed; 1 healthy runs: 1 left in peace; 0 false")


def test_shapes_are_drawn_by_formulas_alone_and_the_same_each_time():
    before = torch.get_rng_state()
    a, b = shapes(40), shapes(40)
    assert torch.equal(a.pixels, b.pixels) and torch.equal(before, torch.get_rng_state())
    assert a.pixels.shape == (40, 3, 32, 32) and a.pixels.dtype == torch.uint8
    assert a.labels.bincount().tolist() == [10, 10, 10, 10] and len(a.classes) == 4
    ink = a.pixels.float().amax(dim=1) > 127.5  # figures are lighter than any ground
    assert 0.03 < ink.float().mean() < 0.3 and len(a.pixels.unique(dim=0)) == 40


def test_so_many_pictures_of_a_set():
    some = pictures("shapes:12")
    assert len(some) == len(some.labels) == 12 and torch.equal(some.pixels, pictures("shapes:12").pixels)


def test_a_case_is_played_to_its_end(monkeypatch):
    monkeypatch.setattr(proof, "_net", lambda data: by_classes([pictures(data)], steps=2))
    monkeypatch.setattr(proof, "WIDTH", 4)
    monkeypatch.setattr(proof, "SAMPLES", 16)
    outcome = examine(Case("x", "shapes:64", ("no_better",), train={"lr_D": 0.0, "lr_G": 0.0}, steps=20))
    assert outcome.said[0].startswith("no_better@") and outcome.verdict == "hit" and not outcome.ever_sound
    outcome = examine(Case("x", "shapes:64", later={"lr_D": 0.5}, steps=4))
    assert outcome.steps == 4
