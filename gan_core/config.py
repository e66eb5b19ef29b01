"""Every number a user may choose, with its default and its reason. Imports only `errors`."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from gan_core.errors import UserError, unknown

Architecture = Literal["dcgan", "mlp"]
NormD = Literal["batch", "spectral", "none"]
Loss = Literal["minimax", "ns", "lsgan", "hinge", "wgan", "rpgan"]
Augment = Literal["color", "translation", "cutout"]
Precision = Literal["auto", "float32", "bfloat16"]

IMAGE_SIZES = (28, 32, 64, 128, 256)  # 28 starts from 7x7, the others from 4x4


@dataclass(frozen=True)
class ModelConfig:
    """The shape of G and D. Saved beside every weights file, so a folder can rebuild its own networks."""

    architecture: Architecture = "dcgan"  # "mlp" is the fully connected game of 2014
    image_size: int = 64  # pixels a side, S
    nc: int = 3  # image channels: 3 colour, 1 grey
    nz: int = 100  # length of a latent z (DCGAN, section 4)
    ngf: int = 64  # G's width at its last hidden layer
    ndf: int = 64  # D's width at its first layer
    norm_D: NormD = "batch"  # R1, R2 and WGAN-GP score pictures one by one: they need "spectral" or "none"
    dropout_D: float = 0.0  # Goodfellow et al. used it in D; 0 = none
    num_classes: int = 0  # 0 = no labels; else G takes a label beside z and D judges the pair

    def __post_init__(self) -> None:
        _check_types(self)
        _choice("image_size", self.image_size, IMAGE_SIZES)
        _choice("nc", self.nc, (1, 3))
        for name in ("nz", "ngf", "ndf"):
            _between(name, getattr(self, name), 1, 4096)
        _between("num_classes", self.num_classes, 0, 100_000)
        _between("dropout_D", self.dropout_D, 0.0, 0.95)


@dataclass(frozen=True)
class TrainConfig:
    """How to play the game. Changing these never makes an old weights file unreadable."""

    loss: Loss = "ns"
    steps: int = 20_000  # one step = `d_moves` moves of D and one of G
    batch_size: int = 64
    lr_D: float = 2e-4  # Adam (DCGAN, section 4)
    lr_G: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)  # DCGAN found 0.9 to oscillate
    d_moves: int = 1  # moves of D for one of G; WGAN plays 5

    clip_D: float = 0.0  # clamp D's weights to [-c, c] after each move (WGAN, 0.01); 0 = off
    gp_weight: float = 0.0  # WGAN-GP's gradient penalty (10); 0 = off
    r1_gamma: float = 0.0  # gradient penalty on real pictures; 0 = off
    r2_gamma: float = 0.0  # the same on fakes
    penalty_every: int = 1  # penalties are played every k-th step, k times as heavy (StyleGAN2, appendix B)

    label_smoothing: float = 0.0  # one-sided: D's target for real is 1 - this (Salimans et al., section 3.4)
    instance_noise: float = 0.0  # standard deviation of the noise on everything D sees, at step 0
    instance_noise_steps: int = 0  # it fades to nothing over so many steps; 0 = never
    augment: tuple[Augment, ...] = ()  # DiffAugment, on real and fake, in both moves
    flip: bool = False  # mirror real pictures at random; not for digits

    held_out: float = 0.05  # share of the pictures (1,000 at most) that D never learns from, to see what it learns by

    ema_decay: float = 0.999  # G_ema averages over about 1 / (1 - this) steps
    precision: Precision = "auto"  # "auto": bfloat16 where the device is fast at it
    deterministic: bool = False  # on a GPU, the same numbers in every run, at some cost; on a CPU they always are
    cuda_graph: bool = True  # on one GPU, record the step once and replay it: the same moves without the launches

    report_every: int = 50  # steps; each report waits for the device
    sample_every: int = 250  # steps; early sheets come sooner, see trainer.sheet_due
    snapshot_every: int = 1_000  # steps, sooner at first: trainer.save_due; a snapshot is small and kept
    checkpoint_every: int = 1_000  # steps; a checkpoint is large: the two newest, the best and `keep` others are kept
    keep: int = 4  # older checkpoints, spread over the run: to go back to a step is to play on from the one before it
    measure: int = 2_000  # samples measured at every snapshot; fewer are less exact; 0 = never
    seed: int = 0

    def __post_init__(self) -> None:
        _check_types(self)
        _between("steps", self.steps, 0, 10**9)
        _between("batch_size", self.batch_size, 2, 65_536)
        for name in ("lr_D", "lr_G"):
            _between(name, getattr(self, name), 0.0, 1.0)
        for beta in self.betas:
            _between("betas", beta, 0.0, 0.999999)
        for name in ("clip_D", "gp_weight", "r1_gamma", "r2_gamma", "instance_noise"):
            _between(name, getattr(self, name), 0.0, 1e6)
        _between("held_out", self.held_out, 0.0, 0.5)
        _between("measure", self.measure, 2 if self.measure else 0, 100_000)  # one has no spread
        _between("label_smoothing", self.label_smoothing, 0.0, 0.5)
        _between("ema_decay", self.ema_decay, 0.0, 0.999999)
        _between("d_moves", self.d_moves, 1, 100)  # as many as in WGAN's own code: their batches are drawn at once
        for name in ("penalty_every", "report_every", "sample_every", "snapshot_every", "checkpoint_every"):
            _between(name, getattr(self, name), 1, 10**9)
        _between("instance_noise_steps", self.instance_noise_steps, 0, 10**9)
        _between("keep", self.keep, 0, 1_000)
        _between("seed", self.seed, -(2**63), 2**63 - 1)
        if self.loss in ("wgan", "rpgan") and self.label_smoothing:
            raise UserError("no_target", loss=self.loss)

    @property
    def penalised(self) -> bool:
        """Does D pay for a steep slope? Then it must score pictures one by one: no batch norm."""
        return bool(self.gp_weight or self.r1_gamma or self.r2_gamma)


# What may change while a run plays: the next step reads it anew. The rest decides which networks, pictures and random
# numbers there are, and holds from the first step to the last.
LIVE = ("lr_D", "lr_G", "d_moves", "augment", "flip", "label_smoothing", "instance_noise", "instance_noise_steps")


@dataclass(frozen=True)
class Preset:
    """A named way to play: what it changes from the defaults, and where it comes from."""

    source: str
    model: dict[str, Any]
    train: dict[str, Any]

    def configs(self, model: dict[str, Any] | None = None, train: dict[str, Any] | None = None) -> "Configs":
        """The preset with a user's own choices laid over it. Raises UserError for a pair that cannot work."""
        return Configs(ModelConfig(**self.model | (model or {})), TrainConfig(**self.train | (train or {})))


@dataclass(frozen=True)
class Configs:
    """A model and a way to play that go together. Raises UserError if they do not."""

    model: ModelConfig
    train: TrainConfig

    def __post_init__(self) -> None:
        if self.train.penalised and self.model.norm_D == "batch" and self.model.architecture == "dcgan":
            raise UserError("penalty_with_batch_norm")


PRESETS: dict[str, Preset] = {
    "goodfellow2014": Preset(
        "Goodfellow et al., arXiv:1406.2661: fully connected players, dropout in D, batches of 100, the G loss of "
        "section 3. Adam instead of its SGD with momentum.",
        dict(architecture="mlp", dropout_D=0.5),
        dict(loss="ns", batch_size=100),
    ),
    "dcgan2015": Preset(
        "Radford et al., arXiv:1511.06434, section 4: batches of 128, Adam 2e-4 with beta1 0.5, weights "
        "from N(0, 0.02), LeakyReLU 0.2, batch norm in both players.",
        {},
        dict(loss="ns", batch_size=128),
    ),
    "lsgan": Preset(
        "Mao et al., arXiv:1611.04076, equation 9 (targets 0 and 1) on the DCGAN players.",
        {},
        dict(loss="lsgan"),
    ),
    "wgan-gp": Preset(
        "Gulrajani et al., arXiv:1704.00028, algorithm 1: penalty 10, five moves of D for one of G, "
        "Adam 1e-4 with betas (0, 0.9), no batch norm in D.",
        dict(norm_D="none"),
        dict(loss="wgan", gp_weight=10.0, d_moves=5, lr_D=1e-4, lr_G=1e-4, betas=(0.0, 0.9)),
    ),
    "modern": Preset(
        "After R3GAN (Huang et al., arXiv:2501.05441): relativistic pairing with R1 and R2, no batch norm in D, "
        "and DiffAugment (Zhao et al., arXiv:2006.10738); penalties every 4th step to spare the CPU.",
        dict(norm_D="none"),
        dict(
            loss="rpgan",
            r1_gamma=2.0,  # R3GAN anneals 5..150 by data set; small pictures and small nets want less
            r2_gamma=2.0,
            penalty_every=4,
            betas=(0.0, 0.99),
            augment=("color", "translation", "cutout"),
        ),
    ),
}
DEFAULT_PRESET = "dcgan2015"  # README's table "Which preset" holds the measurement behind this choice


def preset(name: str) -> Preset:
    """The preset of that name. Raises UserError that lists the known ones."""
    if name not in PRESETS:
        raise unknown("preset", name, PRESETS)
    return PRESETS[name]


@dataclass(frozen=True)
class DataLimits:
    """What a stranger's archive may cost before it is refused."""

    members: int = 1_000_000  # files in a ZIP
    total_bytes: int = 8 * 2**30  # unpacked, all together; ours are read one at a time and never unpacked to disk
    member_bytes: int = 64 * 2**20  # unpacked, one file
    ratio: int = 200  # unpacked : packed; pictures hardly compress, a bomb does
    ratio_bytes: int = 16 * 2**20  # unpacked, up to which any ratio is harmless: blank drawings in BMP reach 1000
    pixels: int = 50_000_000  # in one picture, before it is shrunk
    fewest: int = 8  # good pictures below which there is nothing to learn
    stored_bytes: int = 8 * 2**30  # of pixels in one idx file, which is read whole


DATA_LIMITS = DataLimits()


T = TypeVar("T", ModelConfig, TrainConfig)


def from_dict(kind: type[T], values: object) -> T:
    """A config from JSON. Raises UserError for a field that is unknown, missing its type or out of range."""
    if not isinstance(values, dict):
        raise UserError("config_type", field=kind.__name__, got=repr(values), wanted="{...}")
    known = {field.name for field in fields(kind)}
    for name in values:
        if name not in known:
            raise unknown(f"{kind.__name__} field", str(name), known)
    given: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return kind(**given)


def _check_types(config: ModelConfig | TrainConfig) -> None:
    """Whole numbers may stand where a fraction is wanted; nothing else may stand for anything else."""
    for name, hint in get_type_hints(type(config)).items():
        value = getattr(config, name)
        if get_origin(hint) is Literal:
            _choice(name, value, get_args(hint))
        elif get_origin(hint) is tuple:
            inner = get_args(hint)
            if not isinstance(value, tuple) or (inner[-1] is not ... and len(value) != len(inner)):
                wanted = "a list" if inner[-1] is ... else f"a list of {len(inner)}"
                raise UserError("config_type", field=name, got=repr(value), wanted=wanted)
            for item in value:
                if get_origin(inner[0]) is Literal:
                    _choice(name, item, get_args(inner[0]))
                else:
                    _number(name, item, float)
        elif hint is bool:
            if not isinstance(value, bool):
                raise UserError("config_type", field=name, got=repr(value), wanted="true or false")
        else:
            _number(name, value, hint)


def _number(name: str, value: object, kind: type) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not (whole or (kind is float and isinstance(value, float))):
        raise UserError(
            "config_type", field=name, got=repr(value), wanted="a whole number" if kind is int else "a number"
        )


def _choice(name: str, value: object, known: Iterable[object]) -> None:
    if value not in known or isinstance(value, bool):
        raise unknown(name, str(value), known)


def _between(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UserError("out_of_range", field=name, got=value, low=low, high=high)
