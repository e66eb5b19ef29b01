import json
import math
from dataclasses import asdict

import pytest

from gan_core.config import PRESETS, ModelConfig, TrainConfig, from_dict, preset
from gan_core.errors import UserError
from gan_core.words import ERRORS


@pytest.mark.parametrize("config", [ModelConfig(nc=1, num_classes=3), TrainConfig(betas=(0, 0.9), augment=("color",))])
def test_a_config_comes_back_from_json(config):
    assert from_dict(type(config), json.loads(json.dumps(asdict(config)))) == config


@pytest.mark.parametrize(
    ("kind", "field", "value", "said"),
    [
        (ModelConfig, "image_size", 48, "Unknown image_size '48'.*28, 32, 64, 128, 256"),
        (ModelConfig, "image_size", 64.0, "image_size is 64.0, but must be a whole number"),
        (ModelConfig, "image_size", [64], "image_size is .*64.*, but must be a whole number"),
        (ModelConfig, "nc", True, "nc is True, but must be a whole number"),
        (ModelConfig, "nc", 2, "Unknown nc '2'"),
        (ModelConfig, "nz", 0, "nz is 0, but must lie between 1 and"),
        (ModelConfig, "ngf", 10**6, "ngf is 1000000, but must lie between"),
        (ModelConfig, "norm_D", "bach", "did you mean 'batch'"),
        (ModelConfig, "architecture", "resnet", "Unknown architecture 'resnet'. Known: dcgan, mlp"),
        (ModelConfig, "dropout_D", 1.0, "dropout_D is 1.0"),
        (ModelConfig, "num_classes", -1, "num_classes is -1"),
        (ModelConfig, "nfg", 64, "Unknown ModelConfig field 'nfg'; did you mean 'ngf'"),
        (TrainConfig, "loss", "hing", "did you mean 'hinge'"),
        (TrainConfig, "loss", None, "Unknown loss 'None'"),
        (TrainConfig, "lr_D", math.nan, "lr_D is nan, but must lie between"),
        (TrainConfig, "lr_G", "2e-4", "lr_G is '2e-4', but must be a number"),
        (TrainConfig, "betas", [0.5], "betas is .*0.5.*, but must be a list of 2"),
        (TrainConfig, "betas", [0.5, 1.0], "betas is 1.0"),
        (TrainConfig, "batch_size", 1, "batch_size is 1"),
        (TrainConfig, "augment", ["colour"], "did you mean 'color'"),
        (TrainConfig, "augment", "color", "augment is 'color', but must be a list"),
        (TrainConfig, "flip", 1, "flip is 1, but must be true or false"),
        (TrainConfig, "seed", 2**63, "seed is"),
    ],
)
def test_a_wrong_field_is_named_with_what_came_and_what_was_wanted(kind, field, value, said):
    with pytest.raises(UserError, match=said):
        from_dict(kind, {field: value})


@pytest.mark.parametrize("values", [None, [], "dcgan", 3])
def test_a_config_that_is_no_object_is_refused(values):
    with pytest.raises(UserError, match="ModelConfig"):
        from_dict(ModelConfig, values)


@pytest.mark.parametrize("loss", ["wgan", "rpgan"])
def test_a_loss_without_a_target_has_nothing_to_smooth(loss):
    with pytest.raises(UserError, match=f"no meaning for {loss}"):
        TrainConfig(loss=loss, label_smoothing=0.1)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_game_that_can_be_played_and_names_its_paper(name):
    configs = preset(name).configs()
    assert configs.train.penalised <= (configs.model.norm_D != "batch")
    assert "arXiv:" in preset(name).source


def test_dcgan2015_has_the_numbers_of_the_paper():
    """Section 4: "mini-batch size of 128", Adam at 0.0002 with beta1 0.5, LeakyReLU 0.2; z of 100 (figure 1)."""
    made = preset("dcgan2015").configs()
    train, model = made.train, made.model
    assert (train.batch_size, train.lr_D, train.lr_G, train.betas) == (128, 2e-4, 2e-4, (0.5, 0.999))
    assert (model.nz, model.norm_D, train.d_moves, train.augment, train.penalised) == (100, "batch", 1, (), False)


def test_wgan_gp_has_the_numbers_of_the_paper():
    """Algorithm 1: lambda 10, five moves of D, alpha 0.0001, beta1 0, beta2 0.9."""
    train = preset("wgan-gp").configs().train
    assert (train.gp_weight, train.d_moves, train.lr_D, train.lr_G, train.betas) == (10, 5, 1e-4, 1e-4, (0, 0.9))


def test_own_choices_lie_over_the_preset():
    made = preset("wgan-gp").configs({"ngf": 8}, {"d_moves": 2})
    assert (made.model.ngf, made.model.norm_D, made.train.d_moves, made.train.gp_weight) == (8, "none", 2, 10.0)


@pytest.mark.parametrize("penalty", ["r1_gamma", "r2_gamma", "gp_weight"])
def test_a_penalty_and_batch_norm_in_D_do_not_go_together(penalty):
    with pytest.raises(UserError, match="norm_D none or spectral"):
        preset("dcgan2015").configs(train={penalty: 1.0})
    preset("dcgan2015").configs({"norm_D": "spectral"}, {penalty: 1.0})
    preset("goodfellow2014").configs(train={penalty: 1.0})  # has no batch norm, whatever norm_D says


def test_an_unknown_preset_is_answered_with_the_known_and_the_nearest():
    with pytest.raises(UserError, match="did you mean 'modern'.*Known: goodfellow2014, dcgan2015, lsgan, wgan-gp"):
        preset("modren")


@pytest.mark.parametrize("key", ERRORS)
def test_both_languages_say_the_same_values(key):
    """A placeholder missing in one of them is a KeyError for half of the visitors, or a fact withheld."""
    from string import Formatter

    english, chinese = ({name for _, name, _, _ in Formatter().parse(text) if name} for text in ERRORS[key])
    assert english == chinese


def test_an_error_speaks_both_languages():
    error = UserError("out_of_range", field="nz", got=0, low=1, high=9)
    assert str(error) == error.said("en") == "nz is 0, but must lie between 1 and 9."
    assert error.said("zh") == "nz 为 0，但必须在 1 与 9 之间。"
