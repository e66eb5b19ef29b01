"""The Train tab: a form that starts a training, and the run, live. The live side is drawn by static/train.js."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import gradio as gr

from gan_core.config import DEFAULT_PRESET, IMAGE_SIZES, PRESETS, Augment, Loss, preset
from gan_core.data import SetInfo, known_sets
from gan_core.data.load import HUB_ID
from gan_core.errors import UserError
from gan_core.ui.answers import spoken
from gan_core.ui.ask import ask_routes
from gan_core.ui.element import element, settings
from gan_core.ui.host import hosted
from gan_core.ui.jobs import Jobs
from gan_core.ui.live import Hub
from gan_core.ui.order import Order
from gan_core.ui.rights import public_id
from gan_core.ui.slices import drive
from gan_core.ui.studio import Studio
from gan_core.ui.text import PageError, language_of, said, tr
from gan_core.ui.timeline import timeline_routes

OWN, HUB = "own pictures", "hub"  # choices among the sets that are none; no set has such a name
NUMBERS = ("batch_size", "seed", "ngf", "ndf", "lr_G", "lr_D", "dropout_D")  # that the recipe settles unless told
UNITS = ("minutes", "steps", "evaluations")  # of how long; evaluations in a row that brought nothing better
REPORT_EVERY = 10  # steps; who watches wants curves soon, and a CPU need not be waited for
AUTO = 0  # the picture size that the data suggest
TAG = "gan-train"
SHOW_RUN = "(name) => { if (name) document.dispatchEvent(new CustomEvent('studio:run', {detail: name})); return []; }"


@dataclass(frozen=True)
class Form:
    """What is in sight, and what is folded away."""

    data: gr.Dropdown
    uploads: gr.File
    hub_id: gr.Textbox
    preset: gr.Dropdown
    image_size: gr.Dropdown
    length: gr.Number
    unit: gr.Dropdown
    start: gr.Button
    name: gr.Textbox
    batch_size: gr.Textbox
    ngf: gr.Textbox
    ndf: gr.Textbox
    lr_G: gr.Textbox
    lr_D: gr.Textbox
    loss: gr.Dropdown
    augment: gr.CheckboxGroup
    dropout_D: gr.Textbox
    conditional: gr.Checkbox
    flip: gr.Checkbox
    seed: gr.Textbox

    @property
    def inputs(self) -> set[Any]:
        return {part for name, part in vars(self).items() if name != "start"}


def train_tab(studio: Studio) -> None:
    jobs = hosted(studio)
    hub = Hub(jobs)
    studio.routes.extend([*hub.routes(), *ask_routes(studio, jobs), *timeline_routes(studio, jobs)])
    studio.at_close.extend([jobs.close, hub.close])
    with gr.Tab(tr("tab_train"), id="train"):
        gr.Markdown(tr("train_about"), elem_classes="lead")
        with gr.Row(elem_classes="train-row"):
            with gr.Column(scale=1, min_width=280, elem_classes="train-form"):
                form, about, complaint = _form()
            with gr.Column(scale=3, min_width=320):
                view = element(TAG)
        started = gr.Textbox(visible=False)
    _wire(jobs, form, about, complaint, started)
    if jobs.slices:
        drive(jobs)
    copied = {name: part for name, part in vars(form).items() if name not in ("uploads", "start", "name")}
    view.change(None, [view], list(copied.values()), js=settings(*copied))  # the settings of a run, to begin again with


def _form() -> tuple[Form, gr.Markdown, gr.Markdown]:
    sets = known_sets()
    choices: list[Any] = [*((name, name) for name in sets), (tr("train_own"), OWN), (tr("train_hub"), HUB)]
    data = gr.Dropdown(choices, value=next(iter(sets)), label=tr("train_data"))
    about = gr.Markdown(_about_first, elem_classes="train-set")
    uploads = gr.File(label=tr("train_upload"), file_count="multiple", file_types=[".zip", "image"], visible=False)
    hub_id = gr.Textbox(label=tr("train_hub_id"), placeholder="owner/name", visible=False, max_lines=1)
    recipe = gr.Dropdown(list(PRESETS), value=DEFAULT_PRESET, label=tr("train_preset"), info=_source(DEFAULT_PRESET))
    sizes: list[Any] = [(tr("train_size_auto"), AUTO), *((f"{size} × {size}", size) for size in IMAGE_SIZES)]
    image_size = gr.Dropdown(sizes, value=AUTO, label=tr("train_size"))
    with gr.Row():
        length = gr.Number(10, label=tr("train_length"), minimum=0, min_width=90)
        units: list[Any] = [(tr(f"train_{unit}"), unit) for unit in UNITS]
        unit = gr.Dropdown(units, value="minutes", label=tr("train_unit"), min_width=110)
    start = gr.Button(tr("train_start"), variant="primary", elem_id="train-start")
    complaint = gr.Markdown(elem_classes="train-said", elem_id="train-said")
    with gr.Accordion(tr("train_more"), open=False):
        form = Form(data, uploads, hub_id, recipe, image_size, length, unit, start, *_folded())
    return form, about, complaint


def _folded() -> tuple[Any, ...]:
    """What the recipe settles, unless somebody else does. Empty is as the recipe says."""
    name = gr.Textbox(label=tr("train_name"), info=tr("train_name_about"), max_lines=1)
    gr.Markdown(tr("train_empty_about"))
    with gr.Row():
        batch_size, seed = _number_box("batch_size", "train_batch"), _number_box("seed", "train_seed")
    with gr.Row():
        ngf, ndf = _number_box("ngf", "train_ngf"), _number_box("ndf", "train_ndf")
    with gr.Row():
        lr_G, lr_D = _number_box("lr_G", "train_lr_g"), _number_box("lr_D", "train_lr_d")
    loss = gr.Dropdown([(tr("train_recipe"), ""), *get_args(Loss)], value="", label=tr("train_loss"))
    augment = gr.CheckboxGroup(list(get_args(Augment)), label=tr("train_augment"))
    dropout_D = _number_box("dropout_D", "train_dropout")
    conditional = gr.Checkbox(False, label=tr("train_conditional"))
    flip = gr.Checkbox(False, label=tr("train_flip"))
    return name, batch_size, ngf, ndf, lr_G, lr_D, loss, augment, dropout_D, conditional, flip, seed


def _number_box(name: str, label: str) -> gr.Textbox:
    """A number that may be left out: gr.Number shows, and sends, 0 for none. The recipe's number stands in grey."""
    return gr.Textbox(label=tr(label), placeholder=_settled(DEFAULT_PRESET)[name], max_lines=1, min_width=110)


def _settled(recipe: str) -> dict[str, str]:
    """What a recipe settles, by the names of NUMBERS."""
    configs = preset(recipe).configs()
    values = vars(configs.model) | vars(configs.train)
    return {name: f"{values[name]:g}" for name in NUMBERS}


def _wire(jobs: Jobs, form: Form, about: gr.Markdown, complaint: gr.Markdown, started: gr.Textbox) -> None:
    def on_data(data: str, request: gr.Request) -> dict[Any, Any]:
        info = known_sets().get(data)
        return {
            form.uploads: gr.update(visible=data == OWN),
            form.hub_id: gr.update(visible=data == HUB),
            about: gr.update(value=_about(info, language_of(request)) if info else "", visible=info is not None),
        }

    def on_preset(name: str) -> dict[Any, Any]:
        settled = {getattr(form, field): gr.update(placeholder=value) for field, value in _settled(name).items()}
        return {form.preset: gr.update(info=_source(name))} | settled

    def on_start(values: dict[Any, Any], request: gr.Request) -> dict[Any, Any]:
        asked = {name: values[part] for name, part in vars(form).items() if name != "start"}
        lang = language_of(request)
        try:
            folder = jobs.start(order(asked, lang), public_id(request.headers))
        except Exception as error:
            return {complaint: spoken(error, lang), started: ""}
        return {complaint: "", started: folder.name}

    quiet: dict[str, Any] = dict(show_progress="hidden", api_visibility="private")
    form.data.change(on_data, [form.data], [form.uploads, form.hub_id, about], **quiet)
    settled = [form.preset, *(getattr(form, name) for name in NUMBERS)]
    form.preset.change(on_preset, [form.preset], settled, **quiet)
    form.start.click(on_start, form.inputs, [complaint, started], **quiet).then(
        None, [started], None, js=SHOW_RUN, **quiet
    )


def order(asked: Mapping[str, Any], lang: str = "en") -> Order:
    """An order from what stands in the form, by its fields' names. Raises UserError for what cannot be meant."""
    data, uploads = str(asked["data"]), tuple(Path(path) for path in asked["uploads"] or ())
    if data == HUB:
        data = str(asked["hub_id"] or "").strip()
        if not HUB_ID.fullmatch(data) or data.startswith(".") or Path(data).exists():  # no folder of this machine
            raise PageError("train_hub_form", got=data)
    elif data != OWN and data not in known_sets():
        raise PageError("train_no_data")
    numbers = {name: _number(name, str(asked[name])) for name in NUMBERS if str(asked[name] or "").strip()}
    model: dict[str, Any] = {name: numbers.pop(name) for name in ("ngf", "ndf", "dropout_D") if name in numbers}
    if asked["image_size"]:
        model["image_size"] = int(asked["image_size"])
    return Order(
        data="" if data == OWN else data,
        uploads=uploads if data == OWN else (),
        preset=str(asked["preset"]),
        until=_until(asked["length"], str(asked["unit"]), lang),
        name=str(asked["name"] or ""),
        conditional=bool(asked["conditional"]),
        model=model,
        train=_train(asked) | numbers,
    )


def _train(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of TrainConfig that somebody has filled in."""
    train: dict[str, Any] = {"report_every": REPORT_EVERY}
    if asked["loss"]:
        train["loss"] = str(asked["loss"])
    if asked["augment"]:
        train["augment"] = tuple(asked["augment"])
    if asked["flip"]:
        train["flip"] = True
    return train


def _until(length: float | None, unit: str, lang: str) -> str:
    if length is None or not 0 < length < 10**9:
        raise PageError("train_how_long", unit=said(f"train_{unit}", lang))
    if unit == "minutes":
        return f"{length:f}m"
    if length != int(length):
        raise PageError("train_whole", field=unit, got=length)
    return str(int(length)) if unit == "steps" else f"no better for {int(length)}"


def _number(name: str, text: str) -> float:
    """Whole where it can be; whether it must be is for the config to say. Raises UserError for what is no number."""
    try:
        number = float(text)
        return int(number) if number == int(number) else number
    except (ValueError, OverflowError):
        raise UserError("config_type", field=name, got=repr(text), wanted="a number") from None


def _about_first(request: gr.Request | None = None) -> str:
    return _about(next(iter(known_sets().values())), language_of(request))


def _about(info: SetInfo, lang: str) -> str:
    return said(
        "train_set_line",
        lang,
        about=info.about_zh if lang == "zh" else info.about,
        size=info.image_size,
        licence=info.licence,
        where=said("train_here" if info.offline else "train_download", lang),
    )


def _source(name: str) -> str:
    """The first sentence of where a recipe comes from."""
    return re.split(r"(?<=[.:]) ", preset(name).source)[0].rstrip(":") if name in PRESETS else ""
