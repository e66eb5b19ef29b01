"""The model chooser: shipped models, runs by their newest snapshot, and any Hub id that is typed in."""

from typing import Any

import gradio as gr

from gan_core.ui.models import Found
from gan_core.ui.studio import Studio
from gan_core.ui.text import language_of, said, tr


def model_chooser(studio: Studio, bare: bool = False) -> gr.Dropdown:
    """`bare`: the list alone, for a place where its label would take room from pictures."""
    models = studio.shelf.models()
    return gr.Dropdown(
        choices_of(models, "en"), value=models[0].key if models else None, label=tr("model"),
        info=None if bare else tr("model_info"), allow_custom_value=True, container=not bare,
        elem_classes="bare" if bare else None,
    )  # fmt: skip


def keep_fresh(studio: Studio, page: gr.Blocks, *choosers: gr.Dropdown) -> None:
    """New runs and new snapshots are on the list when the page is loaded, and whenever a list is opened."""

    def refresh(request: gr.Request) -> dict[Any, Any]:
        choices = choices_of(studio.shelf.models(), language_of(request))
        return {chooser: gr.Dropdown(choices) for chooser in choosers}

    gr.on(
        [page.load, *(chooser.focus for chooser in choosers)], refresh, None, list(choosers),
        api_visibility="private", queue=False, show_progress="hidden",
    )  # fmt: skip


def choices_of(models: list[Found], lang: str) -> list[tuple[str, str]]:
    return [(_title(found, lang), found.key) for found in models]


def _title(found: Found, lang: str) -> str:
    if found.step is not None:
        return said("choice_run", lang, name=found.name, step=f"{found.step:,}")
    return said("choice_shipped", lang, name=found.name, size=found.config.image_size)
