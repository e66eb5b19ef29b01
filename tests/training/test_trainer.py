import math
from dataclasses import replace
from itertools import islice, pairwise

import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from gan_core import GAN, ModelConfig, TrainConfig, Trainer, UserError
from gan_core.config import PRESETS, preset
from gan_core.training.events import Checkpoint, Report, Sample, Snapshot, Step
from gan_core.training.losses import GAMES
from gan_core.training.trainer import save_due, sheet_due, split
from tests.training.tiny import TINY, dealt, pictures, trainer

PLAIN = replace(TINY, norm_D="none")  # what penalties need


def reports(t):
    return [e for e in t.run() if isinstance(e, Report)]


def copied(t):
    return {name: tensor.clone() for name, tensor in t.gan.state_dict().items()}


def moved(t, before):
    """Which players' weights are not what they were."""
    return {
        name.split(".")[0] for name, p in t.gan.named_parameters() if not torch.equal(p, before[name])
    }  # statistics are no moves


# ---- events


def test_events_come_in_order_and_plain():
    t = trainer(steps=20, report_every=5, sample_every=8, snapshot_every=10, checkpoint_every=15)
    events = list(t.run())
    assert [e.step for e in events if isinstance(e, Step)] == list(range(1, 21))
    assert [(type(e), e.step) for e in events if not isinstance(e, Step)] == [
        (Sample, 0), (Report, 5), (Sample, 8), (Report, 10), (Snapshot, 10), (Report, 15), (Checkpoint, 15),
        (Sample, 16), (Report, 20), (Sample, 20), (Snapshot, 20), (Checkpoint, 20),
    ]  # fmt: skip
    for event in events:
        assert all(type(v) in (int, float, Image.Image) for v in vars(event).values())


def test_early_sheets_come_sooner():
    assert [step for step in range(1, 701) if sheet_due(step, 250)] == [10, 20, 40, 80, 160, 250, 500]
    assert [step for step in range(1, 20) if sheet_due(step, 5)] == [5, 10, 15]


def test_models_can_be_opened_before_the_first_thousand_steps():
    assert [step for step in range(1, 2001) if save_due(step, 1000)] == [125, 250, 500, 1000, 2000]
    assert [step for step in range(1, 200) if save_due(step, 64)] == [64, 128, 192]


def test_a_report_says_what_it_names():
    """A D that scores everything 3 and may not learn: every figure is known beforehand."""
    t = trainer(lr_D=0.0, lr_G=0.0, steps=6, report_every=3)
    t.gan.D.net[-1].weight.data.zero_()
    t.gan.D.net[-1].bias.data.fill_(3.0)
    fooled, caught = (F.softplus(torch.tensor(x)).item() for x in (-3.0, 3.0))
    for report in reports(t):
        assert (report.loss_D, report.loss_G) == pytest.approx((fooled + caught, fooled))
        assert (report.D_x, report.D_Gz) == pytest.approx((0.952574, 0.952574), abs=1e-5)
        assert report.steps == 6
    assert 0 < report.seconds <= t.seconds
    assert 0 < report.images_per_second < 1e6


def test_where_D_speaks_no_probability_a_report_gives_its_raw_score():
    t = trainer(lr_D=0.0, lr_G=0.0, steps=2, loss="hinge")
    t.gan.D.net[-1].weight.data.zero_()
    t.gan.D.net[-1].bias.data.fill_(-3.0)
    (report,) = reports(t)
    assert (report.D_x, report.D_Gz, report.loss_D, report.loss_G) == pytest.approx((-3, -3, 4, 3))


def test_the_clock_stops_while_the_listener_holds_an_event(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("gan_core.training.trainer.perf_counter", lambda: now[0])
    t, step = trainer(steps=3), Trainer.step

    def slow_step():
        now[0] += 1
        return step(t)

    t.step = slow_step
    for _ in t.run():
        now[0] += 100
    assert t.seconds == 3


def test_leaving_the_loop_stops_and_calling_again_goes_on():
    t = trainer()
    for event in t.run():
        if event == Step(7):
            break
    assert t.steps_done == 7
    assert [type(e) for e in t.run() if e.step in (0, 8)] == [Step]  # and does not begin anew
    assert t.steps_done == 20
    assert {type(e) for e in t.run()} == set()


def test_leaving_and_going_on_changes_nothing():
    through, in_parts = trainer(steps=9), trainer(steps=9)
    list(through.run())
    while in_parts.steps_done < 9:
        list(islice(in_parts.run(), 2))
    in_parts.calibrate()
    assert all(torch.equal(a, b) for a, b in zip(copied(through).values(), copied(in_parts).values(), strict=True))


def test_the_listener_keeps_its_own_grad_mode():
    events = trainer(steps=3, d_moves=2, precision="bfloat16").run()
    for _ in events:
        assert torch.is_grad_enabled()
        assert not torch.is_autocast_enabled("cpu")
        with torch.no_grad():  # what the listener does meanwhile is its own affair
            torch.zeros(1)
    assert torch.is_grad_enabled()


# ---- moves


GAMES_AND_PENALTIES = [
    *((PLAIN, {"loss": loss}) for loss in GAMES),
    *((PLAIN, {"loss": "rpgan", penalty: 1.0}) for penalty in ("r1_gamma", "r2_gamma", "gp_weight", "clip_D")),
    (TINY, {}),
    (replace(TINY, norm_D="spectral"), {"loss": "hinge"}),
    (replace(TINY, num_classes=3, dropout_D=0.3), {"augment": ("color", "translation", "cutout"), "flip": True}),
    (replace(TINY, architecture="mlp"), {"instance_noise": 0.1}),
]


@pytest.mark.parametrize(("model", "train"), GAMES_AND_PENALTIES)
def test_each_player_moves_only_itself(model, train):
    t = trainer(model, **train)
    t.gan.train()
    (x, y), before = dealt(t), copied(t)
    fake = t.gan.G(torch.randn(8, 4), y)
    t.play_D(x, fake.detach(), y)
    assert moved(t, before) == {"D"}
    assert all(p.grad is None for p in t.gan.G.parameters())
    before = copied(t)
    grads = [p.grad.clone() for p in t.gan.D.parameters()]
    t.play_G(x, fake, y)
    assert moved(t, before) == {"G"}
    assert all(torch.equal(p.grad, g) for p, g in zip(t.gan.D.parameters(), grads, strict=True))
    before = copied(t)
    t.step()
    assert moved(t, before) == {"G", "D", "G_ema"}
    assert all(p.requires_grad for p in t.gan.G.parameters())
    assert not any(p.requires_grad for p in t.gan.G_ema.parameters())


@pytest.mark.parametrize("loss", GAMES)
def test_each_move_serves_its_player(loss):
    """On a batch that stands still, D's loss falls by D's moves, and G's by G's."""
    t = trainer(PLAIN, loss=loss, lr_D=2e-3, lr_G=2e-3)
    x, _ = dealt(t)
    fake = t.gan.G(z := torch.randn(8, 4)).detach()
    losses = [float(t.play_D(x, fake, None)[0].detach()) for _ in range(20)]
    assert losses[-1] < losses[0]
    losses = [float(t.play_G(x, t.gan.G(z), None)[0].detach()) for _ in range(20)]
    assert losses[-1] < losses[0]


def test_d_moves_so_often_for_each_move_of_G():
    t, calls = trainer(d_moves=3, steps=4), []
    play_D, play_G = t.play_D, t.play_G
    t.play_D = lambda *a: (calls.append("D"), play_D(*a))[1]
    t.play_G = lambda *a: (calls.append("G"), play_G(*a))[1]
    list(t.run())
    assert "".join(calls) == "DDDG" * 4
    assert t.batches.drawn == 12


def test_every_picture_is_seen_once_an_epoch_in_a_new_order():
    images = pictures(16)
    t = trainer(images=images, batch_size=4)
    drawn = [torch.cat([dealt(t)[0] for _ in range(4)]) for _ in range(2)]
    rows = [[tuple(p.flatten().tolist()) for p in epoch] for epoch in drawn]
    all_of_them = {tuple((p.float() / 127.5 - 1).flatten().tolist()) for p in images.pixels}
    assert set(rows[0]) == set(rows[1]) == all_of_them
    assert rows[0] != rows[1]


def test_labels_stay_with_their_pictures():
    images = pictures(16, classes=4)
    images.pixels[:] = images.labels.view(-1, 1, 1, 1) * 50
    t = trainer(replace(TINY, num_classes=4), images)
    for _ in range(6):
        x, y = dealt(t)
        assert torch.equal(((x[:, 0, 0, 0] + 1) * 127.5 / 50).round().long(), y)


def test_instance_noise_fades():
    t = trainer(instance_noise=0.5, instance_noise_steps=10)
    x, spread = torch.zeros(64, 1, 32, 32), []
    for t.steps_done in (0, 5, 9, 10, 50):
        t.fade()
        spread.append(float(t.seen(x).std()))
    assert spread == pytest.approx([0.5, 0.25, 0.05, 0, 0], rel=0.03)
    lasting = trainer(instance_noise=0.5)
    lasting.steps_done = 10**6
    lasting.fade()
    assert float(lasting.seen(x).std()) == pytest.approx(0.5, rel=0.03)


def test_both_players_moves_show_D_nothing_unaugmented():
    """In D's move and in G's, of real and of fake: what D is given is what `seen` gave."""
    t = trainer(PLAIN, loss="rpgan", augment=("color",), instance_noise=0.1, r1_gamma=1.0)
    seen, given, through = [], [], t.seen
    t.seen = lambda x: (seen.append(through(x)), seen[-1])[1]
    t.gan.D.register_forward_pre_hook(lambda D, args: given.append(args[0]))
    t.step()
    assert len(seen) == 4
    assert all(any(torch.equal(x, s) for s in seen) for x in given)


def test_the_slow_average_follows_the_recursion():
    """Decay min(0.7, (1 + t) / (10 + t)), against G's weights after each step."""
    t = trainer(ema_decay=0.7, steps=30)
    slow = [p.detach().clone() for p in t.gan.G_ema.parameters()]
    events = t.run()
    for event in events:
        if isinstance(event, Step):
            decay = min(0.7, event.step / (9 + event.step))
            slow = [decay * s + (1 - decay) * p.detach() for s, p in zip(slow, t.gan.G.parameters(), strict=True)]
            for s, p in zip(slow, t.gan.G_ema.parameters(), strict=True):
                torch.testing.assert_close(s, p, atol=1e-6, rtol=1e-5)


def test_the_sheet_shows_the_same_latents_with_statistics_of_the_present_weights():
    t = trainer(steps=10, sample_every=10)
    sheets = [e.image for e in t.run() if isinstance(e, Sample)]
    assert [s.size for s in sheets] == [(256, 256)] * 2
    assert sheets[0].tobytes() != sheets[1].tobytes()
    before = copied(t)
    assert t.paint().tobytes() == sheets[-1].tobytes()
    t.gan.recalibrate()
    assert all(torch.equal(a, before[name]) for name, a in t.gan.state_dict().items())


# ---- learning


def test_D_learns_to_tell():
    report = reports(trainer(steps=60, report_every=20, lr_G=0.0, lr_D=1e-3))[-1]
    assert report.D_x > 0.8
    assert report.D_Gz < 0.2


@pytest.mark.parametrize(
    ("model", "train"),
    [
        (TINY, {}),
        (PLAIN, {"loss": "rpgan", "r1_gamma": 0.5, "r2_gamma": 0.5, "penalty_every": 4, "betas": (0.0, 0.99)}),
        (replace(TINY, norm_D="spectral"), {"loss": "hinge"}),
    ],
)
def test_G_learns_a_constant_picture(model, train):
    t = trainer(model, pictures(16, value=204), steps=120, ema_decay=0.9, lr_D=2e-3, lr_G=2e-3, **train)

    def error():
        t.gan.recalibrate()
        return float((t.gan(t.gan.sample_z(64, 1)) - 0.6).abs().mean())

    before = error()
    list(t.run())
    assert error() < before / 2


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("architecture", ["dcgan", "mlp"])
@pytest.mark.parametrize("name", PRESETS)
def test_the_smallest_experiment_runs(name, architecture, classes):
    """8 pictures, batches of 4, 2 steps, width 4."""
    small = {
        "architecture": architecture,
        "image_size": 28,
        "nc": 1,
        "nz": 4,
        "ngf": 4,
        "ndf": 4,
        "num_classes": classes,
    }
    made = preset(name).configs(small, {"steps": 2, "batch_size": 4})
    t = Trainer(GAN(made.model), pictures(8, 28, classes=classes), made.train)
    assert [type(e) for e in t.run()] == [Sample, Step, Report, Sample, Snapshot, Checkpoint, Step]


# ---- numbers that are none, pictures that do not fit


@pytest.mark.parametrize("broken", ["G", "D"])
def test_losses_that_are_no_numbers_are_said_before_anything_is_kept(broken):
    t = trainer(steps=8, report_every=4, snapshot_every=2, checkpoint_every=2, sample_every=2)
    kept = []
    with pytest.raises(UserError, match="stopped being numbers by step 6"):  # noqa: PT012
        for event in t.run():
            if event == Step(5):
                next(getattr(t.gan, broken).parameters()).data[0] = math.nan
            if not isinstance(event, Step):
                kept.append((type(event), event.step))
    assert kept[-1] == (Checkpoint, 4)
    with pytest.raises(UserError, match="stopped being numbers"):
        t.state()


def test_losses_that_are_no_numbers_are_said_by_the_next_report():
    t = trainer(steps=8, report_every=4)
    with pytest.raises(UserError, match="by step 4"):  # noqa: PT012
        for event in t.run():
            if event == Step(2):
                t.gan.D.net[-1].bias.data.fill_(math.inf)


def test_too_few_pictures_for_a_batch():
    with pytest.raises(UserError, match="8 pictures cannot fill one batch of 9"):
        trainer(images=pictures(8), batch_size=9)


@pytest.mark.parametrize("images", [pictures(8, nc=3), pictures(8, size=28)])
def test_pictures_of_another_shape(images):
    with pytest.raises(UserError, match=r"The pictures are \(.*\), but the model wants \(1, 32, 32\)"):
        trainer(images=images)


@pytest.mark.parametrize("classes", [0, 2])
def test_classes_that_the_data_does_not_have(classes):
    with pytest.raises(UserError, match=f"has {classes} classes, but the model wants 3"):
        trainer(replace(TINY, num_classes=3), pictures(8, classes=classes))


def test_a_penalty_on_a_D_with_batch_norm_is_refused_here_too():
    with pytest.raises(UserError, match="norm_D none or spectral"):
        trainer(TINY, r1_gamma=1.0)


# ---- precision


@pytest.mark.parametrize(("model", "train"), GAMES_AND_PENALTIES)
def test_bfloat16_plays_the_same_game(model, train):
    """Weights, losses and statistics stay float32, and the first moves lie close to those of float32."""
    exact, rounded = (trainer(model, precision=p, **train) for p in ("float32", "bfloat16"))
    made = [t.step() for t in (exact, rounded)]
    assert made[1].dtype == torch.float32
    assert {t.dtype for t in rounded.gan.parameters()} == {torch.float32}
    assert made[1].isfinite().all()
    if not train.get("augment"):  # its random numbers are others in another precision
        lengths = made[0][4:6].abs() * 0.15  # of gradients, over all weights
        torch.testing.assert_close(made[0][:4], made[1][:4], atol=0.05, rtol=0.05)
        assert ((made[0] - made[1])[4:6].abs() <= lengths + 0.05).all()


def test_precision_means_what_it_says():
    for precision, wanted in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        with trainer(precision=precision).autocast():
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == wanted


# ---- going on


HARD = {"augment": ("color", "translation", "cutout"), "flip": True, "instance_noise": 0.1, "instance_noise_steps": 9}
RESUMED = {
    "dcgan2015": (TINY, {}),
    "modern": (PLAIN, {**PRESETS["modern"].train}),
    "wgan-gp": (PLAIN, {**PRESETS["wgan-gp"].train, "d_moves": 2}),
    "all at once": (
        replace(TINY, dropout_D=0.3, num_classes=3, norm_D="spectral"),
        {**HARD, "r1_gamma": 1.0, "penalty_every": 3},
    ),
    "mlp": (replace(TINY, architecture="mlp", dropout_D=0.5), HARD),
    "bfloat16": (TINY, {"precision": "bfloat16"}),
}


@pytest.mark.parametrize("left_at", [1, 4])
@pytest.mark.parametrize("name", RESUMED)
def test_a_run_that_was_left_goes_on_bit_for_bit(name, left_at):
    """Through tensors in plain memory order, as files hold them, and in a world whose random numbers went elsewhere."""
    model, train = RESUMED[name]
    train = {"images": pictures(21, classes=model.num_classes), "steps": 7, "sample_every": 3} | train
    through = trainer(model, **train)
    list(through.run())

    left = trainer(model, **train)
    for event in left.run():
        if event == Step(left_at):
            break
    tensors, numbers = left.state()
    tensors = {name: t.clone(memory_format=torch.contiguous_format) for name, t in tensors.items()}

    resumed = trainer(model, **train)
    list(islice(resumed.run(), 3))  # whatever it was before is forgotten
    torch.manual_seed(99)
    resumed.load_state(tensors, numbers)
    list(resumed.run())

    wanted, found = through.state(), resumed.state()
    assert found[0].keys() == wanted[0].keys()
    different = [key for key, t in wanted[0].items() if not torch.equal(t, found[0][key])]
    assert not different
    assert found[1] | {"seconds": 0} == wanted[1] | {"seconds": 0}


def test_moments_come_back_in_the_layout_of_their_weights():
    """Fused Adam reads weight and moment side by side in memory; another order is another optimiser, without a word."""
    t = trainer()
    t.step()
    tensors, numbers = t.state()
    t.load_state({name: x.clone(memory_format=torch.contiguous_format) for name, x in tensors.items()}, numbers)
    for optimizer in (t.opt_D, t.opt_G):
        for p, state in optimizer.state.items():
            assert state["exp_avg"].stride() == state["exp_avg_sq"].stride() == p.stride()


def test_learning_rates_may_change_on_the_way():
    t = trainer(lr_D=1e-3)
    t.step()
    other = trainer(lr_D=0.0, lr_G=5e-4)
    other.load_state(*t.state())
    assert (other.opt_D.param_groups[0]["lr"], other.opt_G.param_groups[0]["lr"]) == (0.0, 5e-4)


def test_runs_of_one_seed_are_one_and_of_two_are_two():
    a, b, c = (trainer(steps=3, seed=seed) for seed in (1, 1, 2))
    for t in (a, b, c):
        list(t.run())
    same = [torch.equal(x, y) for x, y in zip(copied(a).values(), copied(b).values(), strict=True)]
    assert all(same)
    assert not all(torch.equal(x, y) for x, y in pairwise([copied(a)["D.net.0.weight"], copied(c)["D.net.0.weight"]]))


def test_a_model_config_of_its_own_kind_trains_from_loaded_weights(tmp_path):
    """From a saved GAN, which comes in eval mode, training goes on with both players in train mode."""
    trainer().gan.save(tmp_path)
    gan = GAN.from_pretrained(tmp_path)
    from gan_core import TrainConfig

    t = Trainer(gan, pictures(16), TrainConfig(steps=2, batch_size=8))
    list(t.run())
    assert (gan.G.training, gan.D.training, gan.G_ema.training) == (True, True, False)
    assert isinstance(gan.config, ModelConfig)


# ---- pictures held out


def test_some_pictures_are_never_learned_from():
    t = trainer(images=pictures(200), batch_size=20, held_out=0.1)
    assert len(t.held_out) == 20 and len(t.learned) == 180
    assert sorted([*t.held_out.tolist(), *t.learned.tolist()]) == list(range(200))
    shown = {row.numpy().tobytes() for _ in range(18) for row in t.batches.draw()[0]}
    kept = {row.numpy().tobytes() for row in t.images.pixels[t.held_out]}
    assert len(shown) == 180 and not shown & kept


def test_which_are_held_out_does_not_follow_the_seed():
    a, b = (trainer(images=pictures(200), held_out=0.1, seed=seed) for seed in (1, 2))
    assert torch.equal(a.held_out, b.held_out)


@pytest.mark.parametrize(("n", "share", "held"), [(8, 0.05, 0), (60, 0.5, 10), (100, 0.0, 0), (40_000, 0.5, 1000)])
def test_so_many_are_held_out(n, share, held):
    """Never so many that a batch (of 50) could not be filled, nor more than 1,000."""
    learned, kept = split(n, TrainConfig(batch_size=min(50, n), held_out=share))
    assert len(kept) == held
    assert (learned is None) if not held else len(learned) == n - held


def test_a_report_after_a_stop_speaks_of_all_its_steps():
    whole, t, other = reports(trainer(steps=10)), trainer(steps=10), trainer(steps=10)
    for event in t.run():
        if event == Step(7):
            break
    other.load_state(*t.state())
    (last,) = reports(other)
    assert (last.loss_D, last.grad_G, last.sure) == (whole[-1].loss_D, whole[-1].grad_G, whole[-1].sure)


@pytest.mark.parametrize("name", ["dcgan2015", "modern", "wgan-gp"])
def test_layout_and_fused_adam_change_nothing_but_speed(name):
    """20 steps in torch's default layout, by the plain loop of Adam, beside ours: float32, the same losses to 1e-3."""
    train = PRESETS[name].train | {"batch_size": 8, "augment": ()}
    model = TINY if name == "dcgan2015" else PLAIN
    quick, plain = trainer(model, **train), trainer(model, **train)
    plain.gan.to(memory_format=torch.contiguous_format)
    for player in ("D", "G"):
        fused = getattr(plain, f"opt_{player}")
        options = {key: fused.param_groups[0][key] for key in ("lr", "betas")}
        weights = getattr(plain.gan, player).parameters()
        setattr(plain, f"opt_{player}", torch.optim.Adam(weights, **options, fused=False, foreach=False))
    means = []
    for t in (quick, plain):
        t.gan.train()
        means.append(torch.stack([t.step()[:2] for _ in range(20)]))
    torch.testing.assert_close(*means, rtol=1e-3, atol=1e-3)


def test_the_average_in_one_sweep_is_the_average():
    """G_ema <- decay * G_ema + (1 - decay) * G, weight by weight (foreach is only quicker)."""
    t = trainer()
    t.step()
    before = [p.clone() for p in t.gan.G_ema.parameters()]
    t.gan.update_ema(0.9)
    for old, fast, new in zip(before, t.gan.G.parameters(), t.gan.G_ema.parameters(), strict=True):
        torch.testing.assert_close(new, 0.9 * old + 0.1 * fast.detach())
