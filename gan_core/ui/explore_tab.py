"""The Explore tab: the latent laboratory. G runs in the visitor's browser; the tools are in static/lab/."""

from typing import Any

import gradio as gr

from gan_core.ui.check import check_routes
from gan_core.ui.chooser import model_chooser
from gan_core.ui.directions import direction_routes
from gan_core.ui.element import KEEP, call, element, settings
from gan_core.ui.find import Calibrations, find_routes
from gan_core.ui.graphs import graph_routes
from gan_core.ui.inside import inside_routes
from gan_core.ui.studio import Studio
from gan_core.ui.text import tr

TAG = "gan-lab"


def explore_tab(studio: Studio, page: gr.Blocks) -> gr.Dropdown:
    """Returns its model chooser."""
    studio.routes.extend([*graph_routes(studio), *direction_routes(studio), *inside_routes(studio)])
    calibrations = Calibrations(studio.shelf)
    studio.routes.extend([*find_routes(studio, calibrations), *check_routes(studio, calibrations)])
    with gr.Tab(tr("tab_explore"), id="explore", render_children=True):
        gr.Markdown(tr("explore_lead"), elem_classes="lead")
        model = model_chooser(studio, bare=True)
        view = element(TAG)
    _wire(page, view, model)
    return model


def _wire(page: gr.Blocks, view: gr.HTML, model: Any) -> None:
    model.change(None, [model], None, js=call(TAG, "controls"))
    view.change(None, [view], [model], js=settings("model"))
    asked = f"() => [new URL(location.href).searchParams.get('model') ?? {KEEP}]"
    page.load(None, None, [model], js=asked).then(None, [model], None, js=call(TAG, "controls"))
