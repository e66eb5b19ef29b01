"""Our step against the loop that everyone copies: the same model, batch and pictures, in turns, in one process."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision import transforms
from tqdm import tqdm

from gan_core.config import ModelConfig, TrainConfig
from gan_core.data import Images, load_images
from gan_core.gan import GAN
from gan_core.images import to_pictures, to_unit
from gan_core.training.trainer import Trainer

SHAPES = (  # as the field notes measured them
    ModelConfig(image_size=28, nc=1),
    ModelConfig(image_size=32, nc=3),
    ModelConfig(image_size=64, nc=3),
)
PICTURES = {1: "fashion-mini", 3: "fruits-mini"}  # by channels; decoding noise would take longer than decoding these
WORKERS = 2  # the example's own default for its DataLoader


@dataclass(frozen=True)
class SpeedRow:
    """One line of the speed table: medians over the turns, and the lowest and highest ratio of a turn."""

    image_size: int
    nc: int
    device: str
    threads: int
    batch_size: int
    reference: float  # images/s
    ours: float  # images/s
    ratio: float
    ratio_low: float
    ratio_high: float
    limit: float  # images/s if every step ran at the speed of a large matrix product, measured in the same turns
    share: float  # ours / limit
    memory_mib: float  # peak while ours ran: of the GPU, or of the whole process (both loops, torch and all)


def bench_speed(
    device: torch.device, turns: int, seconds: float, batch_sizes: Sequence[int] = (64,), workers: int = WORKERS
) -> Iterator[SpeedRow]:
    """Reference and ours on every shape and batch size, `turns` turns of `seconds` each after one to warm up."""
    torch.backends.cudnn.benchmark = device.type == "cuda"  # as training and the example both do
    for shape in SHAPES:
        images = _enough(load_images(PICTURES[shape.nc], shape.image_size), max(batch_sizes))
        for batch_size in batch_sizes:
            trainer = Trainer(GAN(shape).to(device), images, TrainConfig(batch_size=batch_size))
            trainer.gan.train()
            flops = _flops(trainer) / batch_size
            steps = {
                "ours": endless(trainer),
                "reference": reference(GAN(shape).to(device), images, batch_size, workers),
            }
            rates: dict[str, list[float]] = {name: [] for name in steps}
            peaks: list[float] = []
            memory = 0.0
            for warm in tqdm(
                range(turns + 1), desc=f"{shape.image_size} px, batch {batch_size}", unit="turn", leave=False
            ):
                peaks.append(_matmul_peak(device, trainer.rounded))
                for name, step in steps.items():
                    _forget_peak(device)
                    played, spent = turn(step, seconds, device)
                    rates[name] += [batch_size * played / spent] if warm else []
                    memory = max(memory, _peak(device)) if name == "ours" else memory
            ratios = [a / b for a, b in zip(rates["ours"], rates["reference"], strict=True)]
            ours, usual, limit = median(rates["ours"]), median(rates["reference"]), median(peaks) / flops
            yield SpeedRow(
                shape.image_size, shape.nc, str(device), torch.get_num_threads(), batch_size,
                usual, ours, median(ratios), min(ratios), max(ratios), limit, ours / limit, memory,
            )  # fmt: skip


def _enough(images: Images, batch_size: int) -> Images:
    """The same pictures so often that they fill some batches."""
    times = -(-2 * batch_size // len(images))
    return replace(images, pixels=images.pixels.repeat(times, 1, 1, 1), labels=None) if times > 1 else images


def reference(gan: GAN, images: Images, batch_size: int, workers: int) -> Callable[[], object]:
    """The way of the official PyTorch DCGAN example (examples/dcgan/main.py), with its defaults.

    PIL decodes and transforms every picture anew in a DataLoader; float32, torch's default layout; a sigmoid and BCE;
    five waits for the device in every step, for what the example prints. An honest baseline, used nowhere else.
    """
    loader: DataLoader[Tensor] = DataLoader(
        _Folder(images), batch_size, shuffle=True, drop_last=True, num_workers=workers
    )
    gan.train()
    G, D, device = gan.G, nn.Sequential(gan.D, nn.Sigmoid()), gan.device
    opt_D = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
    opt_G = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
    criterion = nn.BCELoss()

    def batches() -> Iterator[Tensor]:
        while True:
            yield from loader

    stream = batches()

    def step() -> tuple[float, ...]:
        x = next(stream).to(device)
        D.zero_grad()
        label = torch.full((batch_size,), 1.0, device=device)
        output = D(x)
        loss_real = criterion(output, label)
        loss_real.backward()
        D_x = output.mean().item()
        fake = G(torch.randn(batch_size, gan.config.nz, device=device))
        label.fill_(0.0)
        output = D(fake.detach())
        loss_fake = criterion(output, label)
        loss_fake.backward()
        before = output.mean().item()
        opt_D.step()
        G.zero_grad()
        label.fill_(1.0)
        output = D(fake)
        loss_G = criterion(output, label)
        loss_G.backward()
        after = output.mean().item()
        opt_G.step()
        return (loss_real + loss_fake).item(), loss_G.item(), D_x, before, after

    return step


class _Folder(Dataset[Tensor]):
    """Pictures as JPEG files, decoded and transformed each time they are asked for. In memory: no disk to wait for."""

    def __init__(self, images: Images) -> None:
        self.files = [_encoded(picture) for picture in to_pictures(to_unit(images.pixels))]
        nc, size = images.pixels.shape[1:3]
        half = (0.5,) * nc
        self.transform = transforms.Compose(
            [
                transforms.Resize(size),
                transforms.CenterCrop(size),
                transforms.ToTensor(),
                transforms.Normalize(half, half),
            ]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> Tensor:
        x: Tensor = self.transform(Image.open(io.BytesIO(self.files[i])))
        return x


def _encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "jpeg", quality=90)
    return buffer.getvalue()


def endless(trainer: Trainer) -> Callable[[], object]:
    """Our step, for ever."""

    def step() -> None:
        trainer.step()
        trainer.steps_done += 1

    return step


def turn(step: Callable[[], object], seconds: float, device: torch.device) -> tuple[int, float]:
    """Steps played, and seconds they took, of at least `seconds`."""
    started, steps = perf_counter(), 0
    while perf_counter() - started < seconds:
        step()
        steps += 1
        if device.type == "cuda" and steps % 100 == 0:
            torch.cuda.synchronize(device)  # or the launches of a minute would queue up within seconds
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return steps, perf_counter() - started


def _flops(trainer: Trainer) -> int:
    """Floating-point operations of one step, as torch counts them: two for each multiply-add."""
    with FlopCounterMode(display=False) as counter:
        trainer.play([trainer.batches.draw() for _ in range(trainer.config.d_moves)])
    return int(counter.get_total_flops())


def _matmul_peak(device: torch.device, rounded: bool) -> float:
    """Operations a second in a large matrix product, in the precision that the step uses: what the machine can do."""
    n = 8192 if device.type == "cuda" else 2048
    a = torch.randn(n, n, device=device, dtype=torch.bfloat16 if rounded else torch.float32)
    a @ a
    played, spent = turn(lambda: a @ a, 0.5, device)
    return 2 * n**3 * played / spent


def _forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with suppress(OSError):  # not on Linux
        Path("/proc/self/clear_refs").write_text("5")


def _peak(device: torch.device) -> float:
    """MiB since `_forget_peak`; 0 where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 2**10
    return 0.0
