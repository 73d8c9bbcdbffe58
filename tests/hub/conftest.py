"""The fake Hub, and a tiny model to put on it."""

from __future__ import annotations

import pytest

from vp.models.svg import networks, tiny
from vp.prediction import checkpoint

from .fake_hub import serve

REPO = "ann/tiny"
DEADLINE_S = 15.0


@pytest.fixture(scope="package")
def weights_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    card = {"family": "svg", "config": checkpoint.config_to_json(tiny()), "dataset": "smmnist-svg", "about": "for a test"}
    checkpoint.save(path, networks(tiny()).state_dict(), card)
    return path


@pytest.fixture(scope="package")
def server():
    with serve() as running:
        yield running


@pytest.fixture
def empty_hub(server, tmp_path, monkeypatch):
    """The fake Hub with nothing on it, and an empty cache."""
    server.repos, server.faults, server.seen, server.with_sha256 = {}, {}, [], True
    settings = {"HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "0", "HF_TOKEN": "hf_test"}
    settings |= {"VP_HUB_SECONDS": str(DEADLINE_S), "VP_HUB_FIRST_BYTE_SECONDS": "10"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def hub(empty_hub, weights_file):
    """The fake Hub with one model on it."""
    empty_hub.repos = {
        f"models/{REPO}": {"README.md": b"---\nlicense: mit\n---\n", "tiny.safetensors": weights_file.read_bytes()}
    }
    return empty_hub
