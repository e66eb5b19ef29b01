"""One rank of test_distributed: plays 50 steps of each preset, writes what came of it. torchrun starts it."""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from gan_core import GAN, Images
from gan_core.config import preset
from gan_core.training.distributed import Ranks, joined
from gan_core.training.trainer import Trainer

PRESETS = ("dcgan2015", "modern")


def play(name: str, out: Path, ranks: Ranks) -> None:
    random = torch.Generator().manual_seed(3)
    images = Images("noise", torch.randint(256, (100, 3, 32, 32), dtype=torch.uint8, generator=random))
    changes = {"batch_size": 24, "precision": "float32", "flip": True, "instance_noise": 0.1}
    configs = preset(name).configs({"image_size": 32, "ngf": 16, "ndf": 16, "nz": 8}, changes)
    torch.manual_seed(0)
    trainer = Trainer(GAN(configs.model), images, configs.train, ranks)
    trainer.gan.train()
    means = []
    for _ in range(50):
        means.append(ranks.mean(trainer.step()).tolist())
        trainer.steps_done += 1
    state = {key: t.contiguous() for key, t in trainer.gan.state_dict().items() if t.is_floating_point()}
    save_file(state, out / f"{name}-{ranks.rank}.safetensors")
    if ranks.first:
        (out / f"{name}.json").write_text(json.dumps(means))


if __name__ == "__main__":
    torch.set_num_threads(1)
    with joined(cuda=False) as ranks:
        for name in PRESETS:
            play(name, Path(sys.argv[1]), ranks)
