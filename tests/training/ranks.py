"""One rank of test_distributed: plays 50 steps of each preset, or is steered. torchrun starts it.

ranks.py OUT          plays, and writes what came of it
ranks.py OUT steer    the same for a run that is changed, moved by hand and brought back, and for one that is not
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from gan_core import GAN, Images, ModelConfig, TrainConfig
from gan_core.config import preset
from gan_core.training import steering
from gan_core.training.distributed import Ranks, joined
from gan_core.training.events import Resumed, Step
from gan_core.training.folder import RunFolder
from gan_core.training.listeners import record
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


def steer(out: Path, ranks: Ranks, back: bool) -> None:
    """12 steps: other settings from 3 on, moves by hand after 4 and, if `back`, a detour from 8 back to 5."""
    folder = RunFolder(out / f"run-{back}")
    folder.path.mkdir(exist_ok=True)
    steering.LOOK = 0.0
    random = torch.Generator().manual_seed(3)
    images = Images("noise", torch.randint(256, (48, 1, 32, 32), dtype=torch.uint8, generator=random))
    model = ModelConfig(image_size=32, nc=1, nz=4, ngf=4, ndf=4)
    config = TrainConfig(steps=12, batch_size=12, precision="float32", checkpoint_every=2, keep=9, snapshot_every=99)
    torch.manual_seed(0)
    trainer = Trainer(GAN(model), images, config, ranks)
    if not ranks.first:
        for _ in trainer.run():
            pass
    else:
        ranks.playing = True
        lead(trainer, folder, back)
    tensors, _ = trainer.state()
    own = {key: t.contiguous() for key, t in tensors.items() if not key.startswith(("random", "since"))}
    save_file(own, out / f"steered-{back}-{ranks.rank}.safetensors")


def lead(trainer: Trainer, folder: RunFolder, back: bool) -> None:
    hand = steering.Steering(trainer, folder, lambda: False)
    plan = {3: [("set", {"train": {"lr_D": 1e-3, "augment": ["color"]}})]}
    plan[4] = [("move", {"who": "D"}), ("move", {"who": "G"}), ("move", {"who": "both"})]
    plan |= {6: [("set", {"train": {"lr_G": 1e-2}})], 8: [("back", {"step": 5})]} if back else {}
    steering.time.sleep = lambda seconds: folder.ask("run")  # whenever it pauses
    going = True
    while going:
        run, going = trainer.run(), False
        for event in record(hand.obey(run), trainer, folder, {}):
            if isinstance(event, Step):
                for do, values in plan.pop(event.step, []):
                    folder.order(do, **values)
            if going := isinstance(event, Resumed):
                break
        run.close()


if __name__ == "__main__":
    torch.set_num_threads(1)
    with joined(cuda=False) as ranks:
        if sys.argv[2:] == ["steer"]:
            for back in (False, True):
                steer(Path(sys.argv[1]), ranks, back)
        else:
            for name in PRESETS:
                play(name, Path(sys.argv[1]), ranks)
