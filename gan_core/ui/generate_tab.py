"""The Generate tab: a sheet of pictures that follows the controls. The drawing is in static/generate.js."""

from typing import Any

import gradio as gr
from PIL import Image

from gan_core.errors import UserError
from gan_core.images import to_sheet
from gan_core.ui.answers import Asked, spoken
from gan_core.ui.chooser import model_chooser
from gan_core.ui.element import call, element, settings
from gan_core.ui.pictures import MOST_SEED, classes_of, paint, picture_routes, wish
from gan_core.ui.studio import Studio
from gan_core.ui.text import language_of, said, tr

TAG = "gan-generate"
ANY = -1  # the class of whoever chooses none
MOST_SHOWN = 144  # pictures; more are too small to see


class Controls:
    """What a visitor sets: five controls, the class only where the model has some."""

    def __init__(self, studio: Studio) -> None:
        self.model = model_chooser(studio)
        self.seed = gr.Number(
            0, label=tr("seed"), info=tr("seed_info"), precision=0, minimum=0, maximum=MOST_SEED, step=1
        )
        self.n = gr.Slider(1, MOST_SHOWN, 40, step=1, label=tr("how_many"))
        self.truncation = gr.Slider(0.05, 1, 1, step=0.05, label=tr("truncation"), info=tr("truncation_info"))
        self.label = gr.Dropdown([(tr("any_class"), ANY)], value=ANY, label=tr("class"), visible=False)
        self.all: list[Any] = [self.model, self.seed, self.n, self.truncation, self.label]


def generate_tab(studio: Studio, page: gr.Blocks) -> gr.Dropdown:
    """Returns its model chooser."""
    studio.routes.extend(picture_routes(studio))
    with gr.Tab(tr("tab_generate"), id="generate", render_children=True):
        gr.Markdown(tr("generate_lead"), elem_classes="lead")
        with gr.Row(elem_classes="workbench"):
            with gr.Column(scale=3, elem_classes="pictures"):
                view = element(TAG)
            with gr.Column(scale=1, min_width=280, elem_classes="controls"):
                controls = Controls(studio)
        _api(studio, controls)
    _wire(studio, page, view, controls)
    return controls.model


def _wire(studio: Studio, page: gr.Blocks, view: gr.HTML, controls: Controls) -> None:
    """The controls speak to the element in the browser; only the classes of a model come from here."""

    def on_model(model: str, request: gr.Request) -> dict[Any, Any]:
        try:
            names = classes_of(studio.shelf.load(model))
        except UserError:  # the sheet says what is wrong with the model
            names = []
        choices = [(said("any_class", language_of(request)), ANY), *((name, i) for i, name in enumerate(names))]
        return {controls.label: gr.Dropdown(choices, visible=bool(names))}

    gr.on([control.change for control in controls.all], None, controls.all, None, js=call(TAG, "controls"))
    gr.on(
        [page.load, controls.model.change], on_model, [controls.model], [controls.label],
        api_visibility="private", queue=False, show_progress="hidden", trigger_mode="always_last",
    )  # fmt: skip
    named = settings("model", "seed", "n", "truncation", "label")
    view.change(None, [view], controls.all, js=named)
    page.load(None, None, controls.all, js=f"() => ({named})(studioKept())").then(
        None, controls.all, None, js=call(TAG, "controls")
    )


def _api(studio: Studio, controls: Controls) -> None:
    """/generate for gradio_client: what the controls say in, one sheet out."""

    def generate(model: str, seed: float, n: float, truncation: float, label: int, request: gr.Request) -> Image.Image:
        lang = language_of(request)
        query = {"model": model, "seed": int(seed), "n": int(n), "truncation": truncation, "label": label}
        try:
            asked = wish(studio.shelf, Asked({name: str(value) for name, value in query.items()}, lang))
            return to_sheet(paint(studio.shelf, asked)[0], gap=2)
        except Exception as error:
            raise gr.Error(spoken(error, lang), print_exception=False) from None

    # the class as a number: a chooser would refuse one that is not on its list, and its list is that of one model
    label = gr.Number(ANY, label="label", precision=0, visible=False)
    ask, sheet = gr.Button(visible=False), gr.Image(visible=False, format="png")
    ask.click(generate, [*controls.all[:-1], label], sheet, api_name="generate")
