"""The training loop. It knows nothing of screens, files or progress bars: it yields events."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any, Literal

import torch
from PIL.Image import Image
from torch import Tensor, nn

from gan_core.config import Configs, TrainConfig
from gan_core.data import Images
from gan_core.data.batches import Batches
from gan_core.errors import UserError
from gan_core.gan import GAN, Best
from gan_core.images import to_sheet, to_unit
from gan_core.training.augment import augment, mirror
from gan_core.training.changes import Change, settings
from gan_core.training.distributed import ALONE, Ranks
from gan_core.training.events import Changed, Checkpoint, Event, Report, Sample, Snapshot, Step
from gan_core.training.graph import Dealt, Graphed
from gan_core.training.losses import GAMES
from gan_core.training.penalties import clip_, one_centred, zero_centred

HELD_OUT_MOST = 1000  # pictures: enough to know what D thinks of strangers


@dataclass(frozen=True)
class Return:
    """Where all ranks go back to: the state of an earlier step, and the changes that still hold."""

    state: tuple[dict[str, Tensor], dict[str, Any]]
    changes: list[Change]


class Trainer:
    """Plays the game between `gan.G` and `gan.D` on `images`, on the device where `gan` lies.

    `ranks`: the processes that play it together. `memory`: bytes of pictures that the device may hold, see `Batches`.

    Raises UserError if the pictures do not fit the model or cannot fill one batch.
    """

    def __init__(
        self,
        gan: GAN,
        images: Images,
        config: TrainConfig = TrainConfig(),
        ranks: Ranks = ALONE,
        memory: int | None = None,
    ) -> None:
        _check_fit(gan, images, config)
        self.gan, self.config, self.device, self.ranks = gan, config, gan.device, ranks
        self.began, self.changes, self.changed = config, list[Change](), 0  # `changed`: how many have been made
        self.game = GAMES[config.loss]
        self.images = images
        self.learned, self.held_out = split(len(images), config)
        self.batches = Batches(
            images if gan.config.num_classes else replace(images, labels=None),
            config.batch_size,
            config.seed,
            self.device,
            (ranks.rank, ranks.world),
            memory,
            self.learned,
        )
        self.rounded = _rounded(self.device, config.precision)
        # a fresh context for each move: autocast caches the weights that it has rounded
        self.autocast = partial(torch.autocast, self.device.type, dtype=torch.bfloat16, enabled=self.rounded)
        if gan.config.architecture == "dcgan":
            gan.to(memory_format=torch.channels_last)  # what convolutions are fast in
        ranks.share_statistics(gan.G, gan.D)
        on_gpu = self.device.type == "cuda"
        beta1, beta2 = map(float, config.betas)  # torch wants both of one kind
        adam = partial(torch.optim.Adam, betas=(beta1, beta2), fused=True, capturable=on_gpu)
        self.opt_D = adam(gan.D.parameters(), lr=config.lr_D)
        self.opt_G = adam(gan.G.parameters(), lr=config.lr_G)
        self.random = torch.Generator(self.device).manual_seed(config.seed)
        self.draws = ranks.draws(self.random)
        self.noise = torch.zeros((), device=self.device)  # a tensor, since a recorded round must read it anew
        self.recorded = self._recorder()
        self.plain = False  # play the next round unrecorded, so that it can be looked at
        self.dealt: tuple[Tensor, Tensor, Tensor | None] | None = None  # x, z and y of the last move
        self.since: list[Tensor] = []  # the means of each step since the last report
        self.steps_done = 0
        self.seconds = 0.0  # of training; the clock stops while the listener holds an event
        self.best: Best | None = None  # set by whoever measures; kept here to be saved with the rest
        self.loaded_at = -1  # the step of the last load_state(): changes until then have been told
        self.returning = False  # run() is left to be called again at an earlier step: the other ranks stay
        self._calibrated_at = -1

    def run(self) -> Generator[Event]:
        """Train up to `config.steps`. Leave the loop to stop, at any step; call run() again to go on.

        Yields after every round whichever of Report, Sample, Snapshot, Checkpoint are due, then a Step.
        Raises UserError when losses or weights are no longer numbers; what was kept before is sound.
        """
        events, self.returning = self._events(), False
        try:
            while True:
                started = perf_counter()
                event = next(events, None)
                self.seconds += perf_counter() - started
                if event is None:
                    return
                yield event
        except GeneratorExit:
            if self.steps_done < self.config.steps and not self.returning:  # after the last step all have left
                self.ranks.stop()
            raise
        finally:  # however the loop was left, gan(z) paints with the weights as they are now
            with suppress(UserError):
                self.calibrate()

    def _events(self) -> Generator[Event]:
        seconds, timed = 0.0, 0
        self.gan.train()
        if self.steps_done == 0:
            yield Sample(0, self.paint())
        yield from self._repeat()
        while self.steps_done < self.config.steps:
            while not isinstance(word := self.ranks.go_on(), bool):
                self._follow(word)
            if not word:
                return
            config, started = self.config, perf_counter()
            self.since.append(self.step())
            self.steps_done += 1
            timed += 1
            last = self.steps_done == config.steps
            means: list[float] = []
            if last or self.steps_done % config.report_every == 0:  # every rank takes part, before anybody may leave
                means = self.ranks.mean(torch.stack(self.since).mean(dim=0)).tolist()  # the only wait for the device
            seconds += perf_counter() - started
            if means:
                if not all(abs(mean) < float("inf") for mean in means):
                    raise UserError("diverged", step=self.steps_done)
                rate = timed * config.batch_size / max(seconds, 1e-9)
                yield Report(self.steps_done, config.steps, self.seconds, rate, *means)
                self.since, seconds, timed = [], 0.0, 0
            if last or sheet_due(self.steps_done, config.sample_every):
                yield Sample(self.steps_done, self.paint())
            if last or save_due(self.steps_done, config.snapshot_every):
                self.calibrate()
                yield Snapshot(self.steps_done)
            if last or save_due(self.steps_done, config.checkpoint_every):
                yield Checkpoint(self.steps_done)
            yield from self._repeat()
            yield Step(self.steps_done)

    @torch.enable_grad()
    def step(self) -> Tensor:
        """One round of the game. Returns a Report's seven means, still on the device."""
        dealt = [self.batches.draw() for _ in range(self.config.d_moves)]
        self.fade()
        recorded = None if self.plain else self.recorded
        means = recorded(dealt, self.penalty_due) if recorded else self.play(dealt)
        self.remember()
        return means

    def play(self, dealt: Dealt) -> Tensor:
        """`d_moves` moves of D, one of G.        min_G max_D  E[log D(x)] + E[log(1 - D(G(z)))]"""
        G = self.gan.G
        for move, (pixels, y) in enumerate(dealt):
            x = self.real(pixels)
            z = self.draws.latents(len(x), self.gan.config.nz, self.device)
            self.dealt = x, z, y
            with torch.set_grad_enabled(move == len(dealt) - 1), self.autocast():
                fake = G(z, y)  # painted once, judged twice
            loss_D, grad_D, D_x, D_Gz, sure = self.play_D(x, fake.detach(), y)
        loss_G, grad_G = self.play_G(x, fake, y)
        return torch.stack([loss_D, loss_G, D_x, D_Gz, grad_D, grad_G, sure]).detach()

    def play_D(self, x: Tensor, fake: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """D moves: tell real from fake.        max_D  E[log D(x)] + E[log(1 - D(G(z)))]

        Returns its loss, the length of its gradient, its mean beliefs in real and fake, and how sure it is: how often
        it ranks a real picture above a fake.
        """
        D, config = self.gan.D.requires_grad_(True), self.config
        x, fake = self.seen(x), self.seen(fake)
        with self.autocast():
            real_logits, fake_logits = D(x, y), D(fake, y)  # apart: batch norm must not mix them
        real_logits, fake_logits = real_logits.float(), fake_logits.float()
        loss = self.game.d_loss(real_logits, fake_logits, config.label_smoothing)
        penalty = self.penalty(x, fake, y)
        grad = self.descend(self.opt_D, loss if penalty is None else loss + penalty)
        if config.clip_D:
            clip_(D.parameters(), config.clip_D)
        belief = torch.sigmoid if self.game.probabilistic else torch.clone
        sure = (real_logits[:, None] > fake_logits).float().mean()
        return loss, grad, belief(real_logits).mean(), belief(fake_logits).mean(), sure

    def play_G(self, x: Tensor, fake: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
        """G moves: be taken for real.        max_G  E[log D(G(z))]

        Returns its loss, and the length of its gradient.
        """
        D = self.gan.D.requires_grad_(False)
        with self.autocast():
            fake_logits = D(self.seen(fake), y).float()
            real_logits = D(self.seen(x), y).float() if self.game.needs_real_in_G else fake_logits
        loss = self.game.g_loss(real_logits, fake_logits)
        return loss, self.descend(self.opt_G, loss)

    def descend(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> Tensor:
        """One move along the gradient. Returns its length."""
        weights = optimizer.param_groups[0]["params"]
        optimizer.zero_grad()
        loss.backward()
        self.ranks.average_gradients(weights)
        optimizer.step()
        return torch.nn.utils.get_total_norm([p.grad for p in weights if p.grad is not None])

    @torch.enable_grad()
    def move(self, who: Literal["D", "G"]) -> None:
        """One move of D or of G by hand, on a batch of its own. The other is as it was, to the last buffer."""
        self.gan.train()
        pixels, y = self.batches.draw()
        self.fade()
        x = self.real(pixels)
        z = self.draws.latents(len(x), self.gan.config.nz, self.device)
        self.dealt = x, z, y
        with untouched(self.gan.G if who == "D" else self.gan.D):
            with torch.set_grad_enabled(who == "G"), self.autocast():
                fake = self.gan.G(z, y)
            if who == "D":
                self.play_D(x, fake, y)
            else:
                self.play_G(x, fake, y)
                self.remember()
        self._calibrated_at = -1

    @property
    def penalty_due(self) -> bool:
        return self.config.penalised and self.steps_done % self.config.penalty_every == 0

    def penalty(self, x: Tensor, fake: Tensor, y: Tensor | None) -> Tensor | None:
        """What D pays for a steep slope: every k-th step, k times as heavy. In float32: it is derived once more."""
        config = self.config
        if not self.penalty_due:
            return None
        critic, x, fake = partial(self.gan.D, y=y), x.float(), fake.float()
        owed = torch.zeros((), device=self.device)
        if config.r1_gamma:
            owed = owed + config.r1_gamma * zero_centred(critic, x)
        if config.r2_gamma:
            owed = owed + config.r2_gamma * zero_centred(critic, fake)
        if config.gp_weight:
            share = self.draws.uniform(x)
            owed = owed + config.gp_weight * one_centred(critic, x, fake, share)
        return owed * config.penalty_every

    def seen(self, x: Tensor) -> Tensor:
        """Pictures as D gets to see them: augmented, under instance noise that fades (arXiv:1610.04490, section 3)."""
        x = augment(x, self.config.augment, self.draws)
        return x + self.noise.to(x.dtype) * self.draws.normal(x) if self.config.instance_noise else x

    def remember(self) -> None:
        """G_ema takes in G's move: with a short memory at first, so that it does not paint as an untrained G."""
        self.gan.update_ema(min(self.config.ema_decay, (1 + self.steps_done) / (10 + self.steps_done)))

    def fade(self) -> None:
        """Set the noise of this step."""
        config = self.config
        faded = self.steps_done / config.instance_noise_steps if config.instance_noise_steps else 0.0
        self.noise.fill_(config.instance_noise * max(0.0, 1 - faded))

    def real(self, pixels: Tensor) -> Tensor:
        """Pixels (N, nc, S, S) uint8 -> x in [-1, 1], half of it mirrored where that is wanted."""
        x = to_unit(pixels)
        if self.gan.config.architecture == "dcgan":
            x = x.contiguous(memory_format=torch.channels_last)
        return mirror(x, self.draws) if self.config.flip else x

    @torch.no_grad()
    def paint(self, n: int = 64) -> Image:
        """G_ema's pictures of the same n latents every time, as one sheet of 8 columns; classes take turns."""
        self.calibrate()
        classes = self.gan.config.num_classes
        y = torch.arange(n, device=self.device) % classes if classes else None
        return to_sheet(self.gan(self.gan.sample_z(n, self.config.seed), y), columns=8)

    def calibrate(self) -> None:
        """See that G_ema's batch-norm statistics belong to its present weights. Raises as run()."""
        self.check()
        if self._calibrated_at != self.steps_done:
            self.gan.recalibrate()
            self._calibrated_at = self.steps_done

    def check(self) -> None:
        """Raises UserError if a weight is no longer a number: nothing of that is worth showing or keeping."""
        if not torch.stack([p.isfinite().all() for p in self.gan.parameters()]).all():
            raise UserError("diverged", step=self.steps_done)

    def change(self, change: Change) -> None:
        """Make a change before the next step, on all ranks. Raises UserError, with nothing done, if it cannot be.

        Only rank 0 may, and only where a Step has just been told; the others hear of it before their next step.
        """
        settings(self.config, [change])
        self._follow(self.ranks.tell(change))

    def go_back(self) -> None:
        """Bring the other ranks to where this one has been brought by load_state()."""
        self.ranks.tell(Return(self.state(), self.changes))

    def _follow(self, word: Change | Return) -> None:
        """Do what rank 0 says."""
        if isinstance(word, Return):
            self.changes = word.changes
            self.load_state(*word.state)
            torch.manual_seed(self.config.seed + self.ranks.rank)  # dropout's dice fall apart on every rank
            for _ in self._repeat():
                pass
        else:
            self.changes.insert(self.changed, word)
            self._make(word)

    def _make(self, change: Change) -> None:
        self.changed += 1
        if change.move:
            self.move(change.move)
        else:
            self.relearn(settings(self.config, [change]))

    def _repeat(self) -> Generator[Event]:
        """Make the changes that were made at this step when it was first played."""
        while self.changed < len(self.changes) and self.changes[self.changed].step <= self.steps_done:
            change, was = self.changes[self.changed], self.config
            self._make(change)
            if change.train and self.steps_done > self.loaded_at:
                yield Changed(self.steps_done, {name: getattr(was, name) for name in change.train}, change.train)

    def relearn(self, config: TrainConfig) -> None:
        """Go on with these settings. A recorded round knows the old ones, and places in memory that are no more."""
        self.config = config
        for optimizer, lr in ((self.opt_D, config.lr_D), (self.opt_G, config.lr_G)):
            optimizer.param_groups[0]["lr"] = lr
        self.recorded = self._recorder()

    def _recorder(self) -> Graphed | None:
        """Plays rounds as one CUDA graph, where there is CUDA."""
        wanted = self.device.type == "cuda" and self.config.cuda_graph and self.ranks.alone
        return Graphed(self.play, self.random) if wanted else None

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything needed to go on as if nothing had happened: tensors, and plain numbers. Raises as run()."""
        self.check()
        tensors = {f"gan.{name}": t for name, t in self.gan.state_dict().items()}
        for name, optimizer in (("opt_D", self.opt_D), ("opt_G", self.opt_G)):
            for i, moments in optimizer.state_dict()["state"].items():
                tensors |= {f"{name}.{i}.{key}": t for key, t in moments.items()}
        tensors |= {"random.own": self.random.get_state(), "random.cpu": torch.get_rng_state()}
        if self.since:
            tensors["since"] = torch.stack(self.since)
        if self.device.type == "cuda":
            tensors["random.cuda"] = torch.cuda.get_rng_state(self.device)  # dropout draws from it
        best = asdict(self.best) if self.best else None
        return tensors, {
            "step": self.steps_done,
            "batches_drawn": self.batches.drawn,
            "seconds": self.seconds,
            "best": best,
            "changed": self.changed - sum(change.step < self.steps_done for change in self.changes),  # at this step
        }

    def load_state(self, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
        """Go on from `state()`, under what the run began with, which may be another by now, and `changes`."""
        self.gan.load_state_dict({name[4:]: t for name, t in tensors.items() if name.startswith("gan.")})
        for name, optimizer in (("opt_D", self.opt_D), ("opt_G", self.opt_G)):
            weights, moments = optimizer.param_groups[0]["params"], dict[int, dict[str, Tensor]]()
            for key, t in tensors.items():
                if key.startswith(f"{name}."):
                    _, i, moment = key.split(".", 2)
                    # in the layout of its weight: fused Adam reads both side by side, as they lie in memory
                    t = torch.empty_like(weights[int(i)]).copy_(t) if t.dim() else t
                    moments.setdefault(int(i), {})[moment] = t
            optimizer.load_state_dict(optimizer.state_dict() | {"state": moments})
        self.since = list(tensors["since"].to(self.device)) if "since" in tensors else []
        self.random.set_state(tensors["random.own"].cpu())
        torch.set_rng_state(tensors["random.cpu"].cpu())
        if "random.cuda" in tensors and self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors["random.cuda"].cpu(), self.device)
        self.steps_done, self.batches.drawn = numbers["step"], numbers["batches_drawn"]
        self.seconds, self._calibrated_at = numbers["seconds"], -1
        self.best = Best(**best) if (best := numbers.get("best")) else None  # older checkpoints do not say
        before, until_then = (sum(c.step < n for c in self.changes) for n in (self.steps_done, self.steps_done + 1))
        self.changed, self.loaded_at = min(before + numbers.get("changed", 0), until_then), self.steps_done
        self.relearn(settings(self.began, self.changes[: self.changed]))


@contextmanager
def untouched(player: nn.Module) -> Iterator[None]:
    """What playing leaves behind in `player` besides its weights (batch norm's statistics) is undone."""
    before = [buffer.clone() for buffer in player.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, old in zip(player.buffers(), before, strict=True):
                buffer.copy_(old)


def sheet_due(step: int, every: int) -> bool:
    """Every so many steps; before the first of these at 10, 20, 40, 80 ... too, where most is to be seen."""
    return step % every == 0 or (step < every and step % 10 == 0 and (step // 10).bit_count() == 1)


def save_due(step: int, every: int) -> bool:
    """Every so many steps; where that is long, at an eighth, a quarter and a half of the first of these too.

    On a CPU 1,000 steps may take a quarter of an hour: whoever watches wants a model to open, and a step to go back to.
    """
    return step % every == 0 or (every >= 200 and every % 8 == 0 and step in (every // 8, every // 4, every // 2))


def _rounded(device: torch.device, precision: str) -> bool:
    """Is the step played in bfloat16?"""
    fast = torch.cuda.is_bf16_supported(including_emulation=False) if device.type == "cuda" else cpu_has_bf16()
    return precision == "bfloat16" or (precision == "auto" and fast)


def cpu_has_bf16() -> bool:
    """Emulated bfloat16 is slower than float32: only a device with instructions for it gains."""
    return any(
        getattr(torch.cpu, name, lambda: False)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )


def _check_fit(gan: GAN, images: Images, config: TrainConfig) -> None:
    model = Configs(gan.config, config).model  # refuses a pair that cannot work
    wanted, came = (model.nc, model.image_size, model.image_size), tuple(images.pixels.shape[1:])
    if came != wanted:
        raise UserError("pictures_misfit", got=came, wanted=wanted)
    if model.num_classes and (images.labels is None or len(images.classes) != model.num_classes):
        raise UserError("classes_misfit", got=len(images.classes), wanted=model.num_classes)


def split(n: int, config: TrainConfig) -> tuple[Tensor | None, Tensor]:
    """Rows to learn from (None: all), and rows held out; which these are does not change with the seed of a run."""
    held = max(0, min(int(n * config.held_out), HELD_OUT_MOST, n - config.batch_size))
    shuffled = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    return shuffled[held:].sort().values if held else None, shuffled[:held].sort().values
