import os
import signal
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # without a network the Hub retries for 23 s; read at import, so before all else
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import pytest
import torch

torch.set_num_threads(1)  # toy networks: on a busy machine, threads that wait for each other cost twentyfold

# Whoever starts the tests with & has them ignore Ctrl-C, and with them every process that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Two workers share the tests. What stands before one browser and one app stays with one of them, in its order; what
# starts trainings and apps of its own stays with the other, so that there are never more of those than cores.
GROUPS = {
    "browser": ("browser/",),
    "processes": ("ui/", "bench/", "test_cli_", "training/test_distributed.py", "training/test_killed.py"),
}


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(here).as_posix()
        for group, places in GROUPS.items():
            if place.startswith(places):
                item.add_marker(pytest.mark.xdist_group(group))
