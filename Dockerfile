# DCGAN Studio in a container, laid out as a Docker Space runs it: user 1000, port 7860.
#
#   docker build -t dcgan-studio . && docker run --rm -p 7860:7860 -v "$PWD/runs:/home/user/app/runs" dcgan-studio
#
# It prints the teacher's key. For strangers, who may each start a bounded run that queues (on a Space by itself):
#
#   docker run --rm -p 80:7860 dcgan-studio python app.py --public
#
# torch and torchvision come from one index, always together: a pair from two fails at import. By default that is pip's
# own, whose x86 wheels are for CUDA and run on a CPU too (6 GB). For the small CPU wheels, give the index address that
# the install page of pytorch.org shows for pip and CPU:
#
#   docker build --build-arg TORCH_INDEX=<that address> -t dcgan-studio .
FROM python:3.12-slim

RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ffmpeg \
    && rm -rf /var/lib/apt/lists/*

# WORKDIR alone would make a folder of root's, and the app writes runs/ in it
RUN useradd --create-home --uid 1000 user \
    && install -d -o user -g user /home/user/app /home/user/app/runs
USER user
ENV HOME=/home/user \
    PATH=/home/user/.local/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /home/user/app

# What changes seldom comes first; each COPY sets the owner itself, as a chown afterwards would store every byte twice.
ARG TORCH_INDEX=""
COPY --chown=user:user requirements.txt ./
RUN grep -E '^torch(vision)?[^a-z]' requirements.txt > /tmp/torch.txt \
    && pip install --user ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} -r /tmp/torch.txt \
    && pip install --user -r requirements.txt \
    && rm /tmp/torch.txt
COPY --chown=user:user weights ./weights
COPY --chown=user:user LICENSE app.py ./
COPY --chown=user:user gan_core ./gan_core

ENV HOST=0.0.0.0 \
    PORT=7860
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/', timeout=4)"]
# the app is process 1 and hears SIGTERM itself: `docker stop` ends a training as gently as Ctrl-C
CMD ["python", "app.py"]
