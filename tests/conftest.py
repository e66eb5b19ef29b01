import os
import signal

os.environ["HF_HUB_OFFLINE"] = "1"  # without a network the Hub retries for 23 s; read at import, so before all else
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import torch

torch.set_num_threads(1)  # toy networks: on a busy machine, threads that wait for each other cost twentyfold

# Whoever starts the tests with & has them ignore Ctrl-C, and with them every process that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
