"""The Interpolate tab: a film from picture to picture. The player and the keyframes are in static/interpolate.js."""

from typing import Any, get_args

import gradio as gr

from gan_core.ui.answers import Asked, spoken
from gan_core.ui.chooser import model_chooser
from gan_core.ui.element import call, element, settings
from gan_core.ui.films import MOST_FRAMES, Format, film_file, film_routes
from gan_core.ui.kept import Kept
from gan_core.ui.studio import Studio
from gan_core.ui.text import language_of, tr

TAG = "gan-interpolate"


class Controls:
    """What a visitor sets beside the keyframes."""

    def __init__(self, studio: Studio) -> None:
        self.model = model_chooser(studio)
        self.method = gr.Radio(
            [(tr("slerp"), "slerp"), (tr("lerp"), "lerp"), (tr("matched"), "matched")],
            value="slerp", label=tr("method"), info=tr("method_info"),
        )  # fmt: skip
        self.easing = gr.Radio(
            [(tr("easing_linear"), "linear"), (tr("easing_smooth"), "smooth")], value="smooth", label=tr("easing")
        )
        self.frames = gr.Slider(8, MOST_FRAMES, 72, step=1, label=tr("frames"))
        self.loop = gr.Checkbox(True, label=tr("loop"))
        self.all: list[Any] = [self.model, self.method, self.easing, self.frames, self.loop]


def interpolate_tab(studio: Studio, page: gr.Blocks) -> gr.Dropdown:
    """Returns its model chooser."""
    studio.routes.extend(film_routes(studio))
    with gr.Tab(tr("tab_interpolate"), id="interpolate", render_children=True):
        gr.Markdown(tr("interpolate_lead"), elem_classes="lead")
        with gr.Row(elem_classes="workbench"):
            with gr.Column(scale=3, elem_classes="pictures"):
                view = element(TAG)
            with gr.Column(scale=1, min_width=280, elem_classes="controls"):
                controls = Controls(studio)
        _api(studio, studio.kept, controls)
    gr.on([control.change for control in controls.all], None, controls.all, None, js=call(TAG, "controls"))
    view.change(None, [view], controls.all, js=settings("model", "method", "easing", "frames", "loop"))
    page.load(None, controls.all, None, js=call(TAG, "controls"))
    return controls.model


def _api(studio: Studio, kept: Kept, controls: Controls) -> None:
    """/interpolate for gradio_client: seeds like "1,5,9" and what the controls say in, one film out."""

    def interpolate(
        seeds: str, model: str, method: str, easing: str, frames: float, loop: bool, kind: str, request: gr.Request
    ) -> str:
        lang = language_of(request)
        query = {
            "seeds": seeds, "model": model, "method": method, "easing": easing, "frames": str(int(frames)),
            "loop": str(int(loop)), "format": kind,
        }  # fmt: skip
        try:
            return str(film_file(studio.shelf, kept, Asked(query, lang)))
        except Exception as error:
            raise gr.Error(spoken(error, lang), print_exception=False) from None

    formats = get_args(Format)
    seeds, kind = gr.Textbox("0,1", visible=False), gr.Radio(formats, value=formats[0], visible=False)
    ask, film = gr.Button(visible=False), gr.File(visible=False)
    ask.click(interpolate, [seeds, *controls.all, kind], film, api_name="interpolate")
