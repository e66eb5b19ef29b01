"""DCGAN Studio: `python app.py`, then open the address it prints. This is also what a Space runs."""

import os
import signal
import sys
from threading import Event

import gradio as gr
import torch

from gan_core.training.folder import default_runs
from gan_core.ui.chooser import keep_fresh
from gan_core.ui.element import element
from gan_core.ui.generate_tab import generate_tab
from gan_core.ui.interpolate_tab import interpolate_tab
from gan_core.ui.page import HEAD, static_files, theme
from gan_core.ui.studio import Studio
from gan_core.ui.text import i18n
from gan_core.ui.train_tab import train_tab

PORT = 7860


def build(studio: Studio) -> gr.Blocks:
    """The page. What needs more than Gradio's events is in `studio.routes` afterwards."""
    page: gr.Blocks
    with gr.Blocks(title="DCGAN Studio", analytics_enabled=False, delete_cache=(3600, 3600), fill_width=True) as page:
        static_files(studio)
        element("studio-head")
        with gr.Tabs(elem_id="tabs"):
            choosers = generate_tab(studio, page), interpolate_tab(studio, page)
            train_tab(studio)
        keep_fresh(studio, page, *choosers)
    return page


def launch(studio: Studio, page: gr.Blocks, host: str, port: int) -> str:
    """Start to serve. Returns the address. Raises OSError where the port is taken."""
    _, url, _ = page.launch(
        server_name=host,
        server_port=port,
        app_kwargs={"routes": studio.routes, "middleware": [HEAD]},
        prevent_thread_lock=True,
        quiet=True,
        ssr_mode=False,  # the pictures are drawn by scripts: a second renderer in Node would have nothing to do
        run_history=False,
        enable_monitoring=False,
        footer_links=["api"],
        i18n=i18n,
        theme=theme(),
    )
    return url


def listen() -> tuple[str, int]:
    """Where: HOST and PORT, else Gradio's own variables, else this machine alone; a Space is for everyone."""
    everyone = "0.0.0.0" if os.environ.get("SPACE_ID") else "127.0.0.1"
    host = os.environ.get("HOST") or os.environ.get("GRADIO_SERVER_NAME") or everyone
    port = os.environ.get("PORT") or os.environ.get("GRADIO_SERVER_PORT") or str(PORT)
    if not port.isdigit() or not 0 < int(port) < 2**16:
        sys.exit(f"PORT is {port!r}, but must be a number from 1 to 65535.")
    return host, int(port)


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # `docker stop` ends it as gently as Ctrl-C
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))  # the rest is for a training, and for the page itself
    host, port = listen()
    studio = Studio(default_runs())
    page = build(studio)
    try:
        print(f"DCGAN Studio is at {launch(studio, page, host, port)}  (Ctrl-C ends it)", flush=True)
        Event().wait()  # until Ctrl-C or SIGTERM
    except OSError as error:
        why = (
            "the port is taken" if "empty port" in str(error) else error.strerror or error
        )  # Gradio's words, and a system's
        sys.exit(f"Cannot listen on {host}:{port}: {why}. Choose another, for example PORT={port + 1}.")
    except KeyboardInterrupt:
        pass
    finally:
        page.close(verbose=False)
        studio.close()


if __name__ == "__main__":
    main()
