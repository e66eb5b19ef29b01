"""The API that the page offers to scripts, as gradio_client uses it."""

import io
import json
import urllib.request

import pytest
from PIL import Image

pytestmark = pytest.mark.browser


@pytest.fixture
def call(app):
    """Calls an endpoint; returns its last event and that event's data."""

    def call(name, *values):
        body = json.dumps({"data": values}).encode()
        asked = urllib.request.Request(f"{app.url}gradio_api/call/{name}", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            event = json.load(answer)["event_id"]
        with urllib.request.urlopen(f"{app.url}gradio_api/call/{name}/{event}", timeout=60) as answer:
            kind, data = answer.read().decode().strip().split("\n\n")[-1].split("\n")
        return kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))

    return call


def fetch(file):
    with urllib.request.urlopen(file["url"], timeout=60) as answer:
        return answer.read()


def test_a_sheet(call):
    kind, (file,) = call("generate", "run:toy", 3, 4, 0.5, 1)
    assert kind == "complete"
    with Image.open(io.BytesIO(fetch(file))) as sheet:
        assert (sheet.format, sheet.size) == ("PNG", (2 * 28 + 3 * 2,) * 2)


def test_a_film(call):
    _, (file,) = call("interpolate", "1,2,3", "shipped:fruits", "lerp", "linear", 12, False, "gif")
    assert fetch(file).startswith(b"GIF")


def test_a_path_is_no_model(call):
    kind, _ = call("generate", "weights/fruits", 3, 4, 0.5, -1)
    assert kind == "error"


def test_only_what_is_meant_for_others_is_public(app):
    with urllib.request.urlopen(f"{app.url}gradio_api/info", timeout=60) as answer:
        public = set(json.load(answer)["named_endpoints"])
    assert {"/generate", "/interpolate"} <= public
    assert not [name for name in public if name.startswith(("/on_", "/refresh", "/lambda"))]
