"""The Dockerfile and compose.yaml agree with the files, the packages and the port that the app has; no engine is needed."""

import importlib.util
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
STEPS = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]


def arguments(kind: str) -> list[str]:
    return [words for step, words in STEPS if step == kind]


def test_what_is_copied_is_there_and_let_through():
    sources = [name for words in arguments("COPY") for name in words.split()[:-1]]
    assert {"requirements.txt", "packages.txt", "app.py", "vp", "checkpoints", "assets"} <= set(sources)
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")]
    assert all((ROOT / name).exists() and any(fnmatch(name, pattern) for pattern in allowed) for name in sources)


def test_what_the_lists_name_is_installed():
    runs = " ".join(arguments("RUN"))
    assert "< packages.txt" in runs and "-r requirements.txt" in runs
    named = (ROOT / "requirements.txt").read_text()
    assert all(re.search(rf"^{name}\b", named, re.M) for name in ("torch", "torchvision"))


def test_the_port_is_the_one_that_the_app_serves():
    environment = dict(pair.split("=") for words in arguments("ENV") for pair in words.split())
    port = environment["GRADIO_SERVER_PORT"]
    assert environment["GRADIO_SERVER_NAME"] == "0.0.0.0" and arguments("EXPOSE") == [port]
    assert f"127.0.0.1:{port}/" in arguments("HEALTHCHECK")[0]
    yaml = pytest.importorskip("yaml")
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert all(service["ports"] == [f"127.0.0.1:{port}:{port}"] for service in services.values())
    gradio = Path(importlib.util.find_spec("gradio").submodule_search_locations[0])
    read = " ".join(path.read_text() for path in (gradio / "http_server.py", gradio / "networking.py", gradio / "blocks.py"))
    assert all(f'"{name}"' in read for name in ("GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT"))


def test_the_app_does_not_run_as_root_and_both_images_differ_in_pytorch_alone():
    kinds = [step for step, _ in STEPS]
    assert arguments("USER") == ["vp"] and kinds.index("USER") > max(k for k, step in enumerate(kinds) if step in ("RUN", "COPY"))
    yaml = pytest.importorskip("yaml")
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    (argument,) = services["gpu"]["build"]["args"]
    assert any(words.startswith(f"{argument}=") for words in arguments("ARG")) and f'"${argument}"' in DOCKERFILE
