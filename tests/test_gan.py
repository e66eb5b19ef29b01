import json
import time
from copy import deepcopy
from dataclasses import asdict, replace
from typing import get_args

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from gan_core import GAN, ModelConfig, UserError
from gan_core.config import IMAGE_SIZES, Architecture
from gan_core.gan import newest_snapshot
from gan_core.images import to_uint8
from tests.training.tiny import TINY, trainer

CLASSY = replace(TINY, num_classes=3)


def lively(config=TINY):
    """A GAN whose pictures differ, as after a training: G_ema of large weights, with its statistics measured."""
    torch.manual_seed(0)
    gan = GAN(config)
    for p in gan.G_ema.parameters():
        p.data *= 3
    gan.recalibrate()
    return gan.eval()


# ---- z


@pytest.mark.parametrize("nz", [1, 4, 100])
def test_row_i_of_seed_s_is_row_0_of_seed_s_plus_i(nz):
    """torch.randn(n, nz) would not do: it draws in blocks of 16, so that rows depend on how many there are."""
    gan = GAN(replace(TINY, nz=nz))
    for seed in (0, 7, -2):
        rows = gan.sample_z(33, seed)
        assert rows.shape == (33, nz)
        assert all(torch.equal(rows[i], gan.sample_z(1, seed + i)[0]) for i in range(33))
        assert torch.equal(rows[:5], gan.sample_z(5, seed))


def test_seeds_name_different_latents_and_no_seed_names_none():
    gan = GAN(TINY)
    assert len({tuple(row.tolist()) for row in gan.sample_z(100, 0)}) == 100
    assert not torch.equal(gan.sample_z(2), gan.sample_z(2))


def test_latents_are_standard_normal():
    z = GAN(replace(TINY, nz=100)).sample_z(1000, 0)
    assert abs(float(z.mean())) < 0.02
    assert abs(float(z.var()) - 1) < 0.03
    assert float(torch.corrcoef(z[:20]).fill_diagonal_(0).abs().max()) < 0.5  # neighbouring seeds are strangers


def test_drawing_a_seed_leaves_the_worlds_random_numbers_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    gan = GAN(CLASSY)
    torch.set_rng_state(before)
    gan.sample_z(3, 5), gan.sample_y(3, 5), gan.recalibrate(64)
    assert torch.equal(torch.get_rng_state(), before)


# ---- labels


def test_a_label_of_a_seed_does_not_depend_on_how_many():
    gan = GAN(CLASSY)
    y = gan.sample_y(60, 3)
    assert set(y.tolist()) == {0, 1, 2}
    assert all(y[i] == gan.sample_y(1, 3 + i)[0] for i in range(60))
    assert gan.sample_y(2, label=1).tolist() == [1, 1]
    assert set(gan.sample_y(60).tolist()) == {0, 1, 2}


def test_without_a_label_the_class_follows_from_z():
    """Each class equally likely, by the first number of z; so a seed is one picture, with its label or without."""
    gan = GAN(replace(TINY, num_classes=4))
    z = torch.zeros(5, TINY.nz)
    z[:, 0] = torch.tensor([-9.0, -0.5, 0.5, 0.7, 9.0])  # the quartiles of N(0, 1) lie at -0.674, 0 and 0.674
    assert gan.class_of(z).tolist() == [0, 1, 2, 3, 3]
    z = gan.sample_z(6, seed=2)
    assert torch.equal(gan(z), gan(z, gan.sample_y(6, seed=2)))
    assert GAN(TINY).class_of(z) is None


@pytest.mark.parametrize(("config", "label"), [(CLASSY, 3), (CLASSY, -1), (TINY, 0)])
def test_a_label_that_the_model_lacks_is_refused(config, label):
    with pytest.raises(UserError, match=f"no class {label}: this model has {config.num_classes} classes"):
        GAN(config).sample_y(2, label=label)


def test_a_model_without_classes_has_no_labels():
    assert GAN(TINY).sample_y(4, 0) is None


# ---- z -> image


@pytest.fixture(
    scope="module", params=[(kind, size) for kind in get_args(Architecture) for size in IMAGE_SIZES], ids=str
)
def every(request):
    """A lively GAN of every architecture and size, in colour and with classes; 7 latents, their labels and pictures."""
    kind, size = request.param
    width = 8 if size <= 64 else 4  # a 256 px network is measured on 512 pictures, too
    gan = lively(ModelConfig(kind, image_size=size, nz=16, ngf=width, ndf=4, num_classes=3))
    z, y = gan.sample_z(7, 0), gan.sample_y(7, 0)
    x = gan(z, y).detach()
    assert x.std(dim=0).mean() > 1e-3  # pictures that differ, or what follows would say nothing
    return gan, z, y, x


def test_a_picture_is_the_same_alone_and_in_a_batch(every):
    gan, z, y, x = every
    alone = torch.cat([gan(z[i : i + 1], y[i : i + 1]) for i in range(len(z))])
    torch.testing.assert_close(x, alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("mates", [1, 30])
def test_a_picture_does_not_change_with_its_batch_mates(every, mates):
    """Not even beside latents that no one would draw."""
    gan, z, y, x = every
    others, labels = 20 * gan.sample_z(mates, 99), torch.arange(mates) % 3
    after = gan(torch.cat([z, others]), torch.cat([y, labels]))[: len(z)]
    before = gan(torch.cat([others, z]), torch.cat([labels, y]))[mates:]
    torch.testing.assert_close(x, after, atol=1e-5, rtol=0)
    torch.testing.assert_close(x, before, atol=1e-5, rtol=0)


def test_a_picture_does_not_change_with_the_number_of_threads(every):
    gan, z, y, x = every
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        two = gan(z, y)
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(x, two, atol=1e-5, rtol=0)


def test_nor_in_the_layout_that_training_is_fast_in(every):
    gan, z, y, x = every
    torch.testing.assert_close(x, deepcopy(gan).to(memory_format=torch.channels_last)(z, y), atol=1e-5, rtol=0)


def test_painting_leaves_the_weights_alone(every):
    gan, z, y, _ = every
    before = {name: t.clone() for name, t in gan.state_dict().items()}
    gan(20 * z, y)
    assert all(torch.equal(t, before[name]) for name, t in gan.state_dict().items())


def test_recalibration_measures_the_population():
    """Against every layer's inputs, collected in one batch of many latents that it has not seen."""
    gan = lively()
    wanted = {}
    for name, norm in gan.G_ema.named_modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.register_forward_hook(lambda norm, given, made, name=name: wanted.__setitem__(name, given[0]))
    gan.G_ema(gan.sample_z(2000, 10_000))
    found = dict(gan.G_ema.named_modules())
    assert len(wanted) == 3
    for name, seen in wanted.items():
        mean, var = seen.mean(dim=(0, 2, 3)), seen.var(dim=(0, 2, 3))
        torch.testing.assert_close(found[name].running_mean, mean, atol=0.15 * float(var.sqrt().max()), rtol=0)
        torch.testing.assert_close(found[name].running_var, var, atol=0, rtol=0.2)


def test_recalibration_is_repeatable_and_leaves_G_ema_in_eval_mode():
    gan = lively()
    before = {name: t.clone() for name, t in gan.state_dict().items()}
    gan.G_ema.net[1][1].running_mean += 1
    gan.recalibrate()
    assert all(torch.equal(t, before[name]) for name, t in gan.state_dict().items())
    assert not any(m.training for m in gan.G_ema.modules())


def test_the_slow_average_is_the_recursion_by_hand():
    gan = GAN(TINY)
    slow = {name: p.clone() for name, p in gan.G_ema.named_parameters()}
    for decay in (0.0, 0.9, 0.5):
        for p in gan.G.parameters():
            p.data += torch.randn_like(p)
        gan.update_ema(decay)
        fast = dict(gan.G.named_parameters())
        slow = {name: decay * p + (1 - decay) * fast[name].detach() for name, p in slow.items()}
        for name, p in gan.G_ema.named_parameters():
            torch.testing.assert_close(p, slow[name])


# ---- save and load


@pytest.mark.parametrize(
    "config",
    [
        TINY,
        CLASSY,
        replace(TINY, architecture="mlp", nc=3),
        replace(TINY, norm_D="spectral", dropout_D=0.3, image_size=28),
    ],
)
def test_what_was_saved_paints_the_same_within_one_shade(config, tmp_path):
    gan = lively(config)
    gan.save(tmp_path / "a", step=3, data={"name": "tiny"})
    back = GAN.from_pretrained(tmp_path / "a")
    assert back.config == config
    assert back.info == {"step": 3, "data": {"name": "tiny"}}
    z, y = gan.sample_z(16, 0), gan.sample_y(16, 0)
    shades = (to_uint8(back(z, y)).int() - to_uint8(gan(z, y)).int()).abs()
    assert shades.max() <= 1
    x = torch.rand(4, config.nc, config.image_size, config.image_size) * 2 - 1
    labels = None if y is None else y[:4]
    torch.testing.assert_close(back.D(x, labels), gan.D(x, labels), atol=1e-2, rtol=1e-2)
    assert not any(m.training for m in back.modules())
    for mine, slow in zip(back.G.state_dict().values(), back.G_ema.state_dict().values(), strict=True):
        assert torch.equal(mine, slow)  # so that it can train on
    assert not any(p.requires_grad for p in back.G_ema.parameters())


def test_saving_again_changes_nothing_more(tmp_path):
    """Rounding to float16 happens once."""
    lively().save(tmp_path / "a")
    GAN.from_pretrained(tmp_path / "a").save(tmp_path / "b")
    a, b = (load_file(tmp_path / name / "model.safetensors") for name in "ab")
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_weights_in_training_layout_are_saved_in_their_places(tmp_path):
    """channels_last weights written as they lie in memory would come back shuffled."""
    t = trainer()
    t.step(), t.calibrate()
    t.gan.save(tmp_path / "a")
    z = t.gan.sample_z(4, 0)
    torch.testing.assert_close(GAN.from_pretrained(tmp_path / "a")(z), t.gan(z), atol=1 / 255, rtol=0)


def test_the_file_is_half_the_size_and_holds_no_second_G(tmp_path):
    gan = GAN(TINY)
    gan.save(tmp_path / "a")
    saved = load_file(tmp_path / "a" / "model.safetensors")
    assert {name.split(".")[0] for name in saved} == {"G_ema", "D"}
    numbers = sum(t.numel() for t in saved.values())
    assert (tmp_path / "a" / "model.safetensors").stat().st_size < 2.2 * numbers + 10_000


def test_saving_into_a_folder_leaves_what_else_lies_there(tmp_path):
    (tmp_path / "README.md").write_text("a model card")
    GAN(TINY).save(tmp_path)
    GAN(TINY).save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"README.md", "config.json", "model.safetensors"}


def test_a_file_inside_names_its_folder(tmp_path):
    gan = lively()
    gan.save(tmp_path)
    for name in ("model.safetensors", "config.json"):
        assert torch.equal(GAN.from_pretrained(tmp_path / name).sample_z(1, 0), gan.sample_z(1, 0))


def test_a_run_folder_means_its_newest_whole_snapshot(tmp_path):
    (tmp_path / "config.json").write_text("{}")  # a run has one too, of another kind
    (tmp_path / "snapshots").mkdir()
    with pytest.raises(UserError, match="no snapshot yet"):
        GAN.from_pretrained(tmp_path)
    for step in (90, 1000, 200):  # by number, not by spelling
        GAN(TINY).save(tmp_path / "snapshots" / f"{step:03d}", step=step)
    torn = tmp_path / "snapshots" / "002000"
    torn.mkdir()
    (torn / "config.json").write_text("{}")
    (tmp_path / "snapshots" / ".003000.77.part").mkdir()
    assert newest_snapshot(tmp_path).name == "1000"
    assert GAN.from_pretrained(tmp_path).info["step"] == 1000


# ---- what is not weights


@pytest.fixture
def saved(tmp_path):
    GAN(TINY).save(tmp_path / "w")
    return tmp_path / "w"


def rewrite(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({"model": config["model"] | changes}))


@pytest.mark.parametrize(
    "name", ["nowhere", "a/b/c", "/no/such/place", "../up/there/x", "", "x" * 5000, "a\0b", "~nobody/x"]
)
def test_a_name_that_leads_nowhere(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="No weights at|has no config.json"):
        GAN.from_pretrained(name)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_missing_half_is_named(saved, missing):
    (saved / missing).unlink()
    with pytest.raises(UserError, match=f"has no {missing}"):
        GAN.from_pretrained(saved)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[" * 100_000, "recursion"),
        ("[]", "it has no 'model'"),
        ("3", "it has no 'model'"),
        ("{}", "it has no 'model'"),
        ('{"model": null}', "ModelConfig is None"),
        ('{"model": {"nfg": 4}}', "did you mean 'ngf'"),
        ('{"model": {"image_size": "32"}}', "image_size is '32', but must be a whole number"),
        ('{"model": {"image_size": 33}}', "Unknown image_size '33'"),
        ('{"model": {"nz": NaN}}', "nz is nan"),
    ],
)
def test_a_wrong_config_is_said_in_one_sentence_that_names_the_file(saved, text, said):
    (saved / "config.json").write_text(text)
    with pytest.raises(UserError, match=said) as caught:
        GAN.from_pretrained(saved)
    assert str(saved / "config.json") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_config_that_is_no_text(saved):
    (saved / "config.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="does not describe a model"):
        GAN.from_pretrained(saved)


@pytest.mark.parametrize("changes", [{"ngf": 8}, {"nc": 3}, {"num_classes": 2}, {"nz": 5}, {"architecture": "mlp"}])
def test_weights_of_another_shape_are_named_with_both_shapes(saved, changes):
    rewrite(saved, **changes)
    with pytest.raises(UserError, match=r"is \[.*\], wanted \[.*\]|is nothing, wanted"):
        GAN.from_pretrained(saved)


def test_a_config_that_boasts_costs_no_memory(saved):
    """A stranger's config.json of 200 bytes must not make the machine build 70 GB of weights."""
    rewrite(saved, ngf=4096, ndf=4096, image_size=256, nz=4096)
    before = time.monotonic()
    with pytest.raises(UserError, match="do not fit their config.json"):
        GAN.from_pretrained(saved)
    assert time.monotonic() - before < 5


def test_a_tensor_too_many_is_named(saved):
    state = load_file(saved / "model.safetensors")
    save_file(state | {"Z": torch.zeros(1)}, saved / "model.safetensors")
    with pytest.raises(UserError, match="Z is a tensor, wanted none of that name"):
        GAN.from_pretrained(saved)


@pytest.mark.parametrize("kept", [0.0, 0.0001, 0.01, 0.3, 0.9, 0.9999])
def test_weights_cut_short_anywhere_are_damaged(saved, kept):
    data = (saved / "model.safetensors").read_bytes()
    (saved / "model.safetensors").write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(UserError, match="model.safetensors cannot be read.*copy or download it again"):
        GAN.from_pretrained(saved)


def test_weights_that_are_something_else_are_damaged(saved):
    (saved / "model.safetensors").write_bytes(b"\xff" * 5000)
    with pytest.raises(UserError, match="cannot be read"):
        GAN.from_pretrained(saved)


@pytest.mark.parametrize("name", ["gan.pt", "gan.pth", "pytorch_model.bin", "GAN.PT"])
def test_a_pickle_is_refused_and_never_opened(tmp_path, name):
    class Payload:
        def __reduce__(self):
            return (tmp_path.joinpath("ran").touch, ())

    torch.save({"x": Payload()}, tmp_path / name)
    for given in (tmp_path / name, tmp_path):  # by its name, and by the folder that holds nothing else
        with pytest.raises(UserError, match="is a pickle.*safetensors.torch.save_file"):
            GAN.from_pretrained(given)
    (tmp_path / "config.json").write_text(json.dumps({"model": asdict(TINY)}))
    with pytest.raises(UserError, match="is a pickle"):
        GAN.from_pretrained(tmp_path)
    GAN(TINY).save(tmp_path)
    with pytest.raises(UserError, match="is a pickle"):  # it was asked for; what lies beside it was not
        GAN.from_pretrained(tmp_path / name)
    assert not (tmp_path / "ran").exists()


def test_a_pickle_under_a_safe_name_is_not_opened_either(saved, tmp_path):
    class Payload:
        def __reduce__(self):
            return (tmp_path.joinpath("ran").touch, ())

    torch.save({"x": Payload()}, saved / "model.safetensors")
    with pytest.raises(UserError, match="cannot be read"):
        GAN.from_pretrained(saved)
    assert not (tmp_path / "ran").exists()


def test_a_hub_id_without_a_network_is_answered_quickly(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = time.monotonic()
    with pytest.raises(UserError, match="Cannot get nobody/nothing from the Hugging Face Hub") as caught:
        GAN.from_pretrained("nobody/nothing")
    assert time.monotonic() - before < 5
    assert "\n" not in str(caught.value)


def test_what_the_hub_gave_before_needs_no_network(tmp_path, monkeypatch):
    import huggingface_hub.constants

    gan = lively()
    cache = tmp_path / "cache" / "models--someone--faces"
    gan.save(cache / "snapshots" / "abc")
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text("abc")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    z = gan.sample_z(2, 0)
    torch.testing.assert_close(GAN.from_pretrained("someone/faces")(z), gan(z), atol=1 / 255, rtol=0)
