"""A model folder as the Hub shows it: the weights, a model card, and a sheet that nobody picked."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from gan_core.config import TrainConfig
from gan_core.files import write_text
from gan_core.gan import GAN
from gan_core.images import enlarge, to_sheet
from gan_core.latent.paint import paint

WEIGHTS_USE = """from gan_core import GAN

gan = GAN.from_pretrained("this folder")
images = gan(gan.sample_z(16, seed=0))  # (16, nc, S, S) in [-1, 1]"""
ONNX_USE = """import numpy as np
import onnxruntime

G = onnxruntime.InferenceSession("G.onnx")
feeds = {i.name: np.zeros((1, i.shape[1]), "float32") for i in G.get_inputs()}
feeds["z"][:] = np.random.randn(*feeds["z"].shape)
if "y" in feeds:
    feeds["y"][0, 0] = 1  # the first class
(images,) = G.run(["image"], feeds)  # (1, nc, S, S) in [-1, 1]"""
SHEET = "samples.webp"  # seeds 0 .. 63, in order; a PNG of colour would weigh ten times as much


def publish(gan: GAN, folder: Path, title: str, words: str = "") -> None:
    """Write config.json, model.safetensors, README.md (the card) and samples.webp into `folder`.

    `words` is a paragraph of the author's own, set under the title.
    """
    gan.save(folder)
    publish_card(gan, folder, title, words)


def publish_card(gan: GAN, folder: Path, title: str, words: str = "", use: str = WEIGHTS_USE) -> None:
    """The card and the sheet alone; `use` is the Python with which a reader begins."""
    y = gan.sample_y(64, seed=0)
    sheet = to_sheet(paint(gan, gan.sample_z(64, seed=0), y), columns=8)
    enlarge(sheet, max(1, 64 // gan.config.image_size)).save(folder / SHEET, quality=85)
    write_text(folder / "README.md", model_card(gan, title, words, use))


def model_card(gan: GAN, title: str, words: str = "", use: str = WEIGHTS_USE) -> str:
    """The card as Markdown, with the Hub's front matter; all facts come from config.json."""
    info, data = gan.info, gan.info.get("data", {})
    licence = str(data.get("licence", ""))
    facts = {
        "Data": f"{data.get('name', 'unknown')}, {data.get('pictures', 0):,} pictures, licence: {licence or 'unknown'}",
        "Model": ", ".join(f"{key} {value}" for key, value in asdict(gan.config).items()),
        "Preset": info.get("preset", "none"),
        "Changed from the defaults": _changed(info.get("train", {})),
        "Forked from": ", ".join(f"{name} at step {step:,}" for name, step in parents(info)),
        "Steps": f"{info.get('step', 0):,}",
        "Training time": f"{info.get('seconds', 0) / 60:.0f} minutes",
        "Machine": info.get("machine", "unknown"),
        "Command": f"`{info.get('command', 'unknown')}`",
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in facts.items() if value)
    return f"""---
library_name: gan_core
pipeline_tag: unconditional-image-generation
tags: [gan, dcgan, pytorch]
---

# {title}

{words or "A GAN trained with DCGAN Studio."}

![Seeds 0 to 63, in order, none picked]({SHEET})

Seeds 0 to 63, in order, none picked by hand.

| | |
|---|---|
{table}

```python
{use}
```
"""


def parents(info: dict[str, Any]) -> list[tuple[str, int]]:
    """The runs that a model was forked from, each with the step, the nearest first: as far as its config.json tells."""
    found, parent = [], info.get("parent")
    while isinstance(parent, dict) and isinstance(parent.get("step"), int):
        found.append((str(parent.get("run")), parent["step"]))
        parent = parent.get("parent")
    return found


def _changed(train: dict[str, Any]) -> str:
    defaults = asdict(TrainConfig()) | {"steps": train.get("steps")}  # how many it was has a line of its own
    changed = {key: value for key, value in train.items() if _flat(value) != _flat(defaults.get(key))}
    return ", ".join(f"{key} {value}" for key, value in changed.items()) or "nothing"


def _flat(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]
