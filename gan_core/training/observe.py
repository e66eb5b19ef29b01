"""One move seen from close: what was dealt, how it was judged, where the gradients went, how far the weights moved.

Copies of the players are asked, as in `vitals`: a game that is looked at is, bit for bit, the game that is not.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from gan_core.images import to_sheet
from gan_core.training.events import Moved, Who
from gan_core.training.trainer import Trainer
from gan_core.training.vitals import alone

PICTURES = 8  # of the batch: what a person can look at in a few seconds
NUMBERS = 12  # of each latent
BRIGHTEST = 0.995  # of the slopes that the picture of them shows; a few steep ones would leave the rest grey


class Eye:
    """Made before a move or a round; `tell` says afterwards what was to be seen.

    Pictures, beliefs and losses are those before the move, of the batch that was dealt for it, neither augmented nor
    under noise. Gradients are those by which a player moved; of one that did not, those that it would have felt.
    """

    def __init__(self, trainer: Trainer, who: Who, slow: bool = False) -> None:
        self.trainer, self.who, self.slow = trainer, who, slow
        self.G, self.D = (alone(player).requires_grad_(True) for player in (trainer.gan.G, trainer.gan.D))

    @torch.enable_grad()
    def tell(self) -> Moved:
        trainer, G, D = self.trainer, self.G, self.D
        if trainer.dealt is None:
            raise RuntimeError("nothing has been dealt yet")
        x, z, y = trainer.dealt
        before = {"D": _weights(D), "G": _weights(G)}
        with trainer.autocast():
            fake = G(z, y)
            real_logits, fake_logits = D(x, y), D(fake, y)
        real_logits, fake_logits = real_logits.float(), fake_logits.float()
        loss_D = trainer.game.d_loss(real_logits, fake_logits, trainer.config.label_smoothing)
        loss_G = trainer.game.g_loss(real_logits, fake_logits)
        for player, loss in ((D, loss_D), (G, loss_G)):
            loss.backward(inputs=list(player.parameters()), retain_graph=True)
        moved = {
            "D": trainer.gan.D if self.who != "G" else D,
            "G": trainer.gan.G if self.who != "D" else G,
        }
        n = min(PICTURES, len(x))
        pictures = fake[:n].detach().float()
        slopes = slope(D, pictures, None if y is None else y[:n])
        belief = torch.sigmoid if trainer.game.probabilistic else torch.clone
        return Moved(
            step=trainer.steps_done,
            who=self.who,
            slow=self.slow,
            sprite=to_sheet(torch.cat([x[:n].float(), pictures, slopes]), columns=n),
            pictures=n,
            size=x.shape[-1],
            z=[_numbers(row) for row in z[:n, :NUMBERS]],
            D_x=_numbers(belief(real_logits[:n])),
            D_Gz=_numbers(belief(fake_logits[:n])),
            logits_x=_numbers(real_logits[:n]),
            logits_Gz=_numbers(fake_logits[:n]),
            loss_D=_number(loss_D),
            loss_G=_number(loss_G),
            grad_D=_length(p.grad for p in moved["D"].parameters()),
            grad_G=_length(p.grad for p in moved["G"].parameters()),
            layers_D=layers(moved["D"]),
            layers_G=layers(moved["G"]),
            shift_D=_length(a - b for a, b in zip(_weights(trainer.gan.D), before["D"], strict=True)),
            shift_G=_length(a - b for a, b in zip(_weights(trainer.gan.G), before["G"], strict=True)),
        )


def slope(D: nn.Module, x: Tensor, y: Tensor | None) -> Tensor:
    """dD/dx at x (n, nc, S, S), for the eye: in [-1, 1], 0 where D would leave the picture as it is.

    With D's running statistics, so that each picture has a slope of its own.
    """
    x = x.detach().requires_grad_(True)
    D.eval()
    (grad,) = torch.autograd.grad(D(x, y).sum(), x)
    steepest = grad.abs().flatten().float().quantile(BRIGHTEST) if grad.numel() <= 2**24 else grad.abs().max()
    return torch.nan_to_num(grad / steepest.clamp_min(1e-30)).clamp(-1, 1)


def layers(player: nn.Module) -> list[tuple[str, float]]:
    """The length of the gradient of each layer, from the player's entrance to its exit."""
    kinds = {"conv": (nn.Conv2d, nn.ConvTranspose2d), "linear": (nn.Linear,)}
    found: list[tuple[str, float]] = []
    for module in player.modules():
        for kind, classes in kinds.items():
            if isinstance(module, classes):
                number = 1 + sum(name.startswith(kind) for name, _ in found)
                found.append((f"{kind} {number}", _length(p.grad for p in module.parameters())))
    return found


def _weights(player: nn.Module) -> list[Tensor]:
    return [p.detach() for p in player.parameters()]


def _length(parts: Iterable[Tensor | None]) -> float:
    return _number(torch.nn.utils.get_total_norm([part for part in parts if part is not None]))


def _number(value: Tensor) -> float:
    """What JSON can hold."""
    return float(torch.nan_to_num(value.detach().float()))


def _numbers(values: Tensor) -> list[float]:
    return [round(value, 5) for value in torch.nan_to_num(values.detach().float()).tolist()]
