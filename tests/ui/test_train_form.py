"""From what stands in the form to an order."""

import pytest

from gan_core.config import PRESETS
from gan_core.errors import UserError
from gan_core.ui.order import Order
from gan_core.ui.train_tab import HUB, OWN, _settled, order

EMPTY = dict(
    data="fashion-mini", uploads=None, hub_id="", preset="dcgan2015", image_size=0, length=10, unit="minutes", name="",
    batch_size="", ngf="", ndf="", lr_G="", lr_D="", loss="", augment=[], dropout_D="", conditional=False, flip=False,
    seed="",
)  # fmt: skip


def test_what_is_left_empty_is_the_recipe_s():
    made = order(EMPTY)
    assert (made.data, made.preset, made.until, made.name) == ("fashion-mini", "dcgan2015", "10.000000m", "")
    assert made.model == {} and made.train == {"report_every": 10}
    made.check()


def test_what_is_filled_in_comes_through():
    told = dict(
        batch_size=" 16 ", seed="-3", ngf="8", ndf="4", lr_G="1e-3", lr_D="0.5", dropout_D="0", image_size=32,
        loss="hinge", augment=["cutout"], flip=True, conditional=True, unit="steps", length=30.0, name="mine",
    )  # fmt: skip
    made = order(EMPTY | told)
    assert made.model == dict(ngf=8, ndf=4, dropout_D=0, image_size=32)
    train = dict(batch_size=16, seed=-3, lr_G=1e-3, lr_D=0.5, loss="hinge", augment=("cutout",), flip=True)
    assert made.train == train | {"report_every": 10}
    assert (made.until, made.name, made.conditional) == ("30", "mine", True)
    made.check()


def test_a_run_may_last_until_it_gets_no_better():
    made = order(EMPTY | dict(length=5.0, unit="evaluations"))
    assert made.until == "no better for 5"
    made.check()


def test_own_pictures_and_the_hub():
    made = order(EMPTY | dict(data=OWN, uploads=["/tmp/a/x.zip"]))
    assert (made.data, made.title) == ("", "x")
    assert order(EMPTY | dict(data=HUB, hub_id=" someone/flowers:test ")).title == "flowers"
    with pytest.raises(UserError, match="No pictures chosen"):
        order(EMPTY | dict(data=OWN)).check()


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (dict(batch_size="many"), "batch_size is 'many'"),
        (dict(batch_size="8.5"), "batch_size is 8.5.*whole number"),
        (dict(batch_size="inf"), "batch_size"),
        (dict(ngf="nan"), "ngf"),
        (dict(lr_G="7"), "lr_G is 7"),
        (dict(length=0), "more than 0 minutes"),
        (dict(length=None), "more than 0"),
        (dict(length=1.5, unit="steps"), "steps is 1.5"),
        (dict(length=0.5, unit="evaluations"), "evaluations is 0.5"),
        (dict(data="/etc"), "No pictures chosen"),
        (dict(data=HUB, hub_id="/etc"), "no Hub id"),
        (dict(data=HUB, hub_id="gan_core/data"), "no Hub id"),  # a folder of this machine
        (dict(data=HUB, hub_id="../secret"), "no Hub id"),
        (dict(preset="wgan-gp", loss="rpgun"), "did you mean 'rpgan'"),
    ],
)
def test_what_cannot_be_meant_is_said(told, sentence):
    with pytest.raises(UserError, match=sentence):
        order(EMPTY | told).check()


@pytest.mark.parametrize("recipe", PRESETS)
def test_every_recipe_can_be_shown_and_started(recipe):
    assert float(_settled(recipe)["lr_G"]) > 0
    Order("fashion-mini", preset=recipe).check()
