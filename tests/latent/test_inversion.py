"""Finding z again: planted latents, holes, low resolution, noise; and what the distance tells."""

import json
import shutil
from functools import cache
from math import sqrt
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from gan_core import GAN, ModelConfig
from gan_core.data import load_images
from gan_core.files import read_json
from gan_core.gan import fingerprint
from gan_core.images import to_uint8, to_unit
from gan_core.latent.calibration import (
    FILE,
    Calibration,
    Heap,
    Step,
    calibrate,
    load_calibration,
    opinions,
    percentile,
    save_calibration,
    verdict,
)
from gan_core.latent.inversion import EFFORT, Effort, Found, Progress, Task, _Players, invert
from gan_core.latent.perception import distance, features
from gan_core.latent.reference import Reference

WEIGHTS = Path(__file__).parents[2] / "weights"
QUICK = Effort(starts=64, rounds=((8, 4), (2, 8)))


@cache
def model(name="fashion-mlp"):
    return GAN.from_pretrained(WEIGHTS / name)


def toy(**config):
    torch.manual_seed(0)
    return GAN(ModelConfig(**{"image_size": 28, "nc": 1, "ngf": 4, "ndf": 4, "nz": 8} | config)).eval()


@torch.no_grad()
def own(gan, n, seed=7000):
    """What a visitor brings: pixels, not numbers."""
    return to_unit(to_uint8(gan(gan.sample_z(n, seed), gan.sample_y(n, seed))))


def found(*asked, **more):
    *progress, last = invert(*asked, **more)
    assert all(isinstance(event, Progress) for event in progress)
    assert isinstance(last, Found)
    return last


def test_its_own_pictures_are_found_again():
    """The bound that the README states: 50 pictures of G, each within 5 levels of 255, and half within 2."""
    gan = model()
    x = own(gan, 50)
    last = found(gan, x)
    assert last.levels.max() < 5
    assert last.levels.median() < 2
    with torch.no_grad():
        painted = gan(last.z)
    assert_close(painted, last.images, atol=1e-4, rtol=0)  # the latent paints what was shown
    assert_close(127.5 * (painted - x).square().flatten(1).mean(dim=1).sqrt(), last.levels, atol=0.01, rtol=1e-3)
    norms = last.z.norm(dim=1) / sqrt(gan.config.nz)
    assert ((norms > 0.7) & (norms < 1.3)).all(), "z stays where G was trained"


def test_the_verdict_tells_own_held_out_and_foreign_pictures_apart():
    gan, calibration = model(), load_calibration(WEIGHTS / "fashion-mlp")
    assert calibration and calibration.kind == "test"
    held_out = load_images("fashion-mini").pixels[2000:2020]  # not among those that it was calibrated on
    fruits = load_images("fruits-mini", 28, 1).pixels[::200]
    noise = torch.randint(0, 256, (10, 1, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    parts = {"own": own(gan, 20), "held_out": to_unit(held_out), "fruits": to_unit(fruits), "noise": to_unit(noise)}
    last = found(gan, torch.cat(list(parts.values())))
    said, at = {}, 0
    for name, part in parts.items():
        said[name] = [verdict(float(d), calibration) for d in last.distance[at : at + len(part)]]
        at += len(part)
    assert said["own"].count("own") >= 18
    assert said["held_out"].count("own") == 0
    assert sum(word in ("near", "usual") for word in said["held_out"]) >= 17
    assert set(said["fruits"]) | set(said["noise"]) == {"foreign"}


def test_a_planted_label_is_found():
    """Every class is sought, and the right one wins: digits that this model paints."""
    gan = model("digits")
    y = torch.tensor([3, 7])
    with torch.no_grad():
        x = to_unit(to_uint8(gan(gan.sample_z(2, 9000), y)))
    last = found(gan, x)
    assert last.y.argmax(dim=1).tolist() == y.tolist()
    assert last.y.sum(dim=1).tolist() == [1, 1]
    assert last.levels.max() < 12


def test_the_nearest_start_tries_on_every_class():
    """Where every start is of the wrong class, the right one is found all the same."""
    gan = toy(num_classes=3)
    with torch.no_grad():
        for layer in gan.G_ema.modules():  # a class is heard
            if isinstance(layer, torch.nn.ConvTranspose2d):
                layer.weight.mul_(8)
                break
        z, y = gan.sample_z(1, 5), torch.tensor([[0.0, 0.0, 1.0]])
        x = gan(z, y)
    near = z, torch.tensor([[1.0, 0.0, 0.0]])
    for dressed, wanted in ((0, 0), (4, 2)):
        last = found(gan, x, near=near, effort=Effort(starts=1, rounds=((1, 1), (1, 2)), dressed=dressed))
        assert int(last.y.argmax()) == wanted


@pytest.mark.parametrize(("classes", "tried"), [(3, 3), (2000, EFFORT.starts)])
def test_no_class_is_tried_on_twice_and_no_more_than_there_are_starts(classes, tried):
    """A stranger's model of a few megabytes may have 100,000 classes: a row of weights for each is 40 GB."""
    dresses = _Players(toy(num_classes=classes, ngf=1, ndf=1)).dresses
    assert dresses.shape == (tried, classes)
    assert len(dresses.argmax(dim=1).unique()) == tried and (dresses.sum(dim=1) == 1).all()


def test_a_hole_is_filled_with_what_was_there():
    """Only the known part counts: the same pictures are found whatever lies in the hole, and come out whole."""
    gan = model()
    x = own(gan, 4)
    known = torch.ones(28, 28)
    known[6:16, 10:18] = 0
    rubbish = torch.where(known.bool(), x, torch.ones_like(x))
    last = found(gan, rubbish, Task(known=known))
    assert last.levels.max() < 5  # of the known part
    inside = (last.images - x)[..., 6:16, 10:18].square().flatten(1).mean(dim=1).sqrt() * 127.5
    blank = (rubbish - x)[..., 6:16, 10:18].square().flatten(1).mean(dim=1).sqrt() * 127.5
    assert inside.median() < 12
    assert (inside < blank / 2).all()
    again = found(gan, torch.where(known.bool(), x, -torch.ones_like(x)), Task(known=known))
    assert_close(again.images, last.images, atol=0.02, rtol=0)


def test_detail_comes_back_from_a_smaller_picture():
    gan = model()
    x = own(gan, 4)
    task = Task(smaller=2)
    last = found(gan, x, task)
    blocky = (task.seen(x) - x).square().mean(dim=(1, 2, 3)).sqrt() * 127.5
    better = (last.images - x).square().mean(dim=(1, 2, 3)).sqrt() * 127.5
    assert (better < blocky / 3).all()


def test_noise_is_left_behind():
    """A tenth of the pixels white or black, and grain on all: what is found is nearer to the clean picture."""
    gan = model()
    x = own(gan, 4)
    random = torch.Generator().manual_seed(0)
    noisy = x + 0.2 * torch.randn(x.shape, generator=random)
    hit = torch.rand(x.shape, generator=random)
    noisy = torch.where(hit < 0.05, 1.0, torch.where(hit > 0.95, -1.0, noisy)).clamp(-1, 1)
    last = found(gan, noisy, Task(noisy=True))
    before, after = ((y - x).square().mean(dim=(1, 2, 3)).sqrt() * 127.5 for y in (noisy, last.images))
    assert (after < before / 2).all()


@pytest.mark.parametrize(
    "config",
    [
        {},
        dict(image_size=32, nc=3, num_classes=3),
        dict(architecture="mlp", num_classes=2, dropout_D=0.5),
        dict(norm_D="spectral"),
        dict(image_size=64, nc=3),
    ],
)
def test_every_kind_of_model_can_be_sought_in(config):
    gan = toy(**config)
    x = own(gan, 2)
    before = {name: t.clone() for name, t in gan.state_dict().items()}
    events = list(invert(gan, x, effort=QUICK))
    steps = [event for event in events if isinstance(event, Progress)]
    begun = steps[0].images[:, 0]  # the distance that descends is of both: pixels, and what D feels
    with torch.no_grad():
        felt = distance(features(gan.D, begun), features(gan.D, x))
    assert_close(steps[0].distance[:, 0], (begun - x).square().mean(dim=(1, 2, 3)) + felt, atol=0.01, rtol=0.05)
    last, classes = events[-1], gan.config.num_classes
    kept = 2 + max(0, classes - 1)  # the other classes join
    assert [event.done for event in steps] == [8, 16, 24, 32, *(32 + kept * step for step in range(1, 9))]
    assert {event.of for event in steps} == {QUICK.work(classes)} == {32 + 8 * kept}
    assert steps[0].images.shape == (2, 8, *x.shape[1:])
    assert steps[-1].distance.shape == (2, kept)
    assert last.z.shape == (2, 8)
    assert last.y is None if not classes else last.y.shape == (2, classes)
    with torch.no_grad():
        felt = distance(features(gan.D, last.images), features(gan.D, x))
    assert_close(last.feel, felt, atol=1e-3, rtol=1e-2)
    assert_close(last.distance, last.pixel + last.feel)
    assert all(torch.equal(t, before[name]) for name, t in gan.state_dict().items()), "gan is left as it was"
    assert not gan.training


def test_it_gets_nearer_and_nearer():
    best = [float(event.distance.min()) for event in invert(model(), own(model(), 1)) if isinstance(event, Progress)]
    assert best[-1] < best[0] / 100
    assert len(best) == sum(steps for _, steps in EFFORT.rounds)


def test_together_or_alone_is_the_same():
    gan = model()
    x = own(gan, 3)
    together = found(gan, x, effort=QUICK)
    alone = torch.cat([found(gan, row[None], effort=QUICK).images for row in x])
    assert_close(alone, together.images, atol=0.01, rtol=0)


def test_a_start_of_ones_own_is_never_passed_over():
    """The z that painted the picture, among the starts: it is as good as found."""
    gan = toy(num_classes=2)
    z, y = gan.sample_z(1, 5), torch.tensor([[0.3, 0.7]])
    with torch.no_grad():
        x = gan(z, y)
    last = found(gan, x, near=(z, y), effort=Effort(starts=32, rounds=((4, 1), (1, 1)), dressed=0))
    assert last.levels < 10
    assert_close(last.y, y)


def test_a_gan_that_has_learned_more_is_sought_in_as_it_is_now():
    gan = toy()
    x = own(gan, 1)
    found(gan, x, effort=QUICK)
    with torch.no_grad():
        gan.G_ema.net[-2].bias.fill_(3.0)  # it paints white now
    assert found(gan, x, effort=QUICK).images.mean() > 0.9


def test_it_can_be_left_at_any_step_and_leaves_gradients_as_they_were():
    search = invert(toy(), own(toy(), 1), effort=QUICK)
    next(search)
    assert torch.is_grad_enabled()
    search.close()
    assert torch.is_grad_enabled()


# what is usual


def test_a_calibration_is_made_kept_and_read(tmp_path, monkeypatch):
    monkeypatch.setattr("gan_core.latent.calibration.SOUGHT", 2)
    monkeypatch.setattr("gan_core.latent.calibration.JUDGED", 8)
    gan = toy()
    gan.save(tmp_path / "w")
    folder, mark = tmp_path / "w", fingerprint(tmp_path / "w")
    images = load_images("fashion-mini")
    reference = Reference(images, torch.arange(50), images.pixels[100:120], "held_out", 50)
    *steps, made = calibrate(gan, mark, reference, "fashion-mini")
    assert all(isinstance(step, Step) for step in steps)
    assert steps[-1].done == steps[-1].of == 4 * EFFORT.work()
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert isinstance(made, Calibration) and made.real
    wanted = found(gan, to_unit(images.pixels[100:102])).distance
    assert made.real.found == pytest.approx(sorted(wanted.tolist()), rel=0.05)
    assert made.real.logits == pytest.approx(sorted(opinions(gan, to_unit(images.pixels[100:108])).tolist()), rel=1e-3)
    assert save_calibration(made, folder)
    assert load_calibration(folder) == made
    gan.save(folder, step=1)  # the same weights
    assert load_calibration(folder) == made
    toy(ngf=5).save(folder)
    assert load_calibration(folder) is None, "of other weights"


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values | {"version": 0},
        lambda values: values | {"work": 1},
        lambda values: values | {"own": None},
        lambda values: values | {"own": values["own"] | {"found": []}},
        lambda values: values | {"own": values["own"] | {"found": [float("nan")]}},
        lambda values: values | {"own": values["own"] | {"found": [10**400]}},
        lambda values: values | {"own": values["own"] | {"logits": "123"}},
        lambda values: values | {"own": values["own"] | {"spectrum": [[1], [2]]}},
        lambda values: values | {"kind": "<script>"},
        lambda values: values | {"about": 3},
        lambda values: values | {"about": "x" * 10**6},
        lambda values: [values],
    ],
)
def test_a_damaged_or_forged_calibration_is_none(tmp_path, change):
    shutil.copytree(WEIGHTS / "fashion-mlp", tmp_path / "w")
    values = read_json(tmp_path / "w" / FILE)
    (tmp_path / "w" / FILE).write_text(json.dumps(values | {"about": "something"}))
    assert load_calibration(tmp_path / "w").about == "something"
    (tmp_path / "w" / FILE).write_text(json.dumps(change(values)))
    assert load_calibration(tmp_path / "w") is None
    (tmp_path / "w" / FILE).write_bytes(b"\xff\x00{")
    assert load_calibration(tmp_path / "w") is None


@pytest.mark.parametrize("name", ["fruits", "fashion", "digits", "fashion-mlp"])
def test_every_shipped_model_has_its_calibration(name):
    calibration = load_calibration(WEIGHTS / name)
    assert calibration, "make it: python -m gan_core calibrate --weights weights/..."
    assert calibration.real
    assert len(calibration.own.found) == len(calibration.real.found) == 32
    assert calibration.own.found[16] < calibration.real.found[16], "its own pictures come nearer"
    size = model(name).config.image_size
    assert {len(row) for heap in (calibration.own, calibration.real) for row in heap.spectrum} == {size // 2 + 1}


def test_percentiles_and_verdicts_by_hand():
    assert [percentile(v, (1.0, 2.0, 3.0, 4.0)) for v in (0, 1, 2.5, 4, 9)] == [0, 0.25, 0.5, 1, 1]
    band = ((0.0,), (0.0,), (0.0,))
    own = Heap(tuple(i / 1000 for i in range(1, 11)), (0.0,), band)
    real = Heap(tuple(i / 10 for i in range(1, 21)), (0.0,), band)
    both, alone = Calibration("", own, real), Calibration("", own, None)
    said = [verdict(d, both) for d in (0.001, 0.0134, 0.029, 0.031, 1.1, 1.15, 1.55, 1.65, 1.75, 2.0, 2.01)]
    assert said == ["own"] * 3 + ["near"] * 2 + ["usual"] * 3 + ["far"] * 2 + ["foreign"]
    assert [verdict(d, alone) for d in (0.0134, 0.05, 0.2)] == ["own", "far", "foreign"]
