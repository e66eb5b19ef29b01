"""DCGAN Studio: `python app.py`, then open the address it prints. This is also what a Space runs."""

import argparse
import os
import signal
import socket
import sys
from pathlib import Path
from threading import Event
from urllib.parse import quote

import gradio as gr
import torch

from gan_core.errors import UserError
from gan_core.training.folder import default_runs
from gan_core.ui.chooser import keep_fresh
from gan_core.ui.element import element
from gan_core.ui.explore_tab import explore_tab
from gan_core.ui.generate_tab import generate_tab
from gan_core.ui.interpolate_tab import interpolate_tab
from gan_core.ui.limits import on_space
from gan_core.ui.page import HEAD, head, static_files, theme
from gan_core.ui.rights import key_for
from gan_core.ui.studio import Studio
from gan_core.ui.text import i18n
from gan_core.ui.train_tab import train_tab

PORT = 7860


def build(studio: Studio) -> gr.Blocks:
    """The page. What needs more than Gradio's events is in `studio.routes` afterwards."""
    page: gr.Blocks
    # seconds between two looks at what was uploaded, and for which it is kept: a run has a copy of its own
    kept = (600, 1800) if studio.public else (3600, 3600)
    with gr.Blocks(title="DCGAN Studio", analytics_enabled=False, delete_cache=kept, fill_width=True) as page:
        static_files(studio)
        element("studio-head")
        with gr.Tabs(elem_id="tabs"):
            choosers = generate_tab(studio, page), explore_tab(studio, page), interpolate_tab(studio, page)
            train_tab(studio)
        keep_fresh(studio, page, *choosers)
    return page


def launch(studio: Studio, page: gr.Blocks, host: str, port: int, ssr: bool = False) -> str:
    """Start to serve, with `ssr` by way of a Node that renders the first page. Returns the address.

    Raises OSError where the port is taken.
    """
    _, url, _ = page.launch(
        server_name=host,
        server_port=port,
        app_kwargs={"routes": studio.routes, "middleware": [HEAD]},
        prevent_thread_lock=True,
        quiet=True,
        ssr_mode=ssr,
        head=head() if ssr else None,  # Node's page does not come by our middleware, which is earlier
        max_file_size=studio.limits.upload_bytes if studio.limits else None,
        run_history=False,
        enable_monitoring=False,
        footer_links=["api"],
        i18n=i18n,
        theme=theme(),
    )
    return url


def listen(host: str = "", port: str = "") -> tuple[str, int]:
    """Where: as told, else HOST and PORT, else Gradio's own variables, else this machine alone; a Space is for all."""
    everyone = "0.0.0.0" if on_space() else "127.0.0.1"
    host = host or os.environ.get("HOST") or os.environ.get("GRADIO_SERVER_NAME") or everyone
    port = port or os.environ.get("PORT") or os.environ.get("GRADIO_SERVER_PORT") or str(PORT)
    if not port.isdigit() or not 0 < int(port) < 2**16:
        sys.exit(f"PORT is {port!r}, but must be a number from 1 to 65535.")
    return host, int(port)


def address_of_others(host: str, port: int) -> str:
    """Where the rest of the network finds an app that listens everywhere; "" where that is not known."""
    if host not in ("0.0.0.0", "::") or on_space():
        return ""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outward:
        try:
            outward.connect(("192.0.2.1", 9))  # sends nothing: it only asks which way a packet would leave
            return f"http://{outward.getsockname()[0]}:{port}/"
        except OSError:  # no network
            return ""


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="DCGAN Studio: train, watch and explore GANs in the browser.")
    parser.add_argument("--host", default="", help="where to listen; default: $HOST, else this machine alone")
    parser.add_argument("--port", default="", help=f"default: $PORT, else {PORT}")
    parser.add_argument("--runs", type=Path, default=default_runs(), help="default: ./runs, or $GAN_CORE_RUNS")
    parser.add_argument(
        "--teacher-key",
        default=os.environ.get("STUDIO_TEACHER_KEY", ""),
        metavar="KEY",
        help="whoever has it may steer every run; default: $STUDIO_TEACHER_KEY, else one is made and shown at the "
        "start, unless the app listens on this machine alone, where nobody needs one; give it behind a proxy on this "
        "machine, by which every visitor seems to sit here",
    )
    parser.add_argument(
        "--public",
        action=argparse.BooleanOptionalAction,
        default=on_space(),
        help="strangers come: trainings queue, and are bounded; set by default on a Space",
    )
    parser.add_argument(
        "--ssr",
        action="store_true",
        help="let Gradio render the first page in Node; off, since the pictures are drawn by scripts all the same",
    )
    return parser.parse_args()


def studio_of(options: argparse.Namespace, host: str) -> Studio:
    """Raises UserError for a key that would not do."""
    key, everybody = key_for(options.teacher_key, host, options.public)
    return Studio(options.runs, key=key, open=everybody, public=options.public)


def main() -> None:
    given = options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # `docker stop` ends it as gently as Ctrl-C
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))  # the rest is for a training, and for the page itself
    host, port = listen(given.host, given.port)
    try:
        studio = studio_of(given, host)
    except UserError as error:
        sys.exit(str(error))
    page = build(studio)
    try:
        address = launch(studio, page, host, port, given.ssr)
        if space := os.environ.get("SPACE_HOST"):
            address = f"https://{space}/"
        studio.address = address_of_others(host, port)
        print(f"DCGAN Studio is at {address}  (Ctrl-C ends it)", flush=True)
        if studio.address:
            print(f"Others on this network reach it at {studio.address}", flush=True)
        if studio.key:
            print(
                f"To steer every run, open this once: {address}?key={quote(studio.key)}  (the teacher's key)",
                flush=True,
            )
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
