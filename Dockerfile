# The playground, on a CPU:            docker build -t vp .
# on NVIDIA GPUs, with PyPI's PyTorch:  docker build -t vp --build-arg TORCH_INDEX=https://pypi.org/simple .
FROM python:3.12-slim-bookworm
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /vp

COPY packages.txt requirements.txt ./
RUN apt-get update -qq \
 && xargs apt-get install -y -qq --no-install-recommends < packages.txt \
 && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir torch torchvision --index-url "$TORCH_INDEX" \
 && pip install --no-cache-dir -r requirements.txt

COPY app.py LICENSE ./
COPY assets assets
COPY checkpoints checkpoints
COPY vp vp
RUN useradd --create-home vp && install -d -o vp -g vp /home/vp/.cache
USER vp

# Gradio reads the first two; data sets are looked for in VP_DATA
ENV GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860 VP_DATA=/data PYTHONUNBUFFERED=1
EXPOSE 7860
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/', timeout=5)"]
STOPSIGNAL SIGINT
CMD ["python", "app.py"]
