"""A family in a folder and a line in the catalogue: command line, training, evaluation, app and contract know it."""

import json

import numpy as np
import pytest

import vp
from vp.catalog import FAMILIES
from vp.cli import main
from vp.core.runtime import Runtime
from vp.data import write_mp4

from ..contract.clauses import broken
from .family import FAMILY

HEIGHT, WIDTH = 72, 128


@pytest.fixture(autouse=True)
def catalogue(monkeypatch):
    """The one line."""
    monkeypatch.setitem(FAMILIES, "trend", FAMILY)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Three clips in colour, 128x72, that slide sideways; their folder."""
    folder = tmp_path_factory.mktemp("clips")
    for number in range(3):
        world = np.random.default_rng(number).integers(0, 256, (HEIGHT // 8, WIDTH // 8 + 8, 3))
        world = np.kron(world, np.ones((8, 8, 1))).astype(np.uint8)
        write_mp4(folder / f"{number}.mp4", np.stack([world[:, 2 * t : WIDTH + 2 * t] for t in range(20)]), 10.0, min_side=0)
    return folder


@pytest.fixture(scope="module")
def checkpoint(clips, tmp_path_factory):
    """The command line trains it."""
    out = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FAMILIES, "trend", FAMILY)
        main(["train", "trend-folder", "--steps", "3", "--data-root", str(clips), "--out", str(out), "--device", "cpu"])
    return out / "last.safetensors"


def test_it_keeps_the_contract():
    cfg = FAMILY.tiny()
    assert broken(FAMILY.predictor(cfg, FAMILY.networks(cfg), Runtime.pick("cpu", "fp32"))) == set()


def test_the_command_line_lists_its_recipe(capsys):
    main(["info"])
    assert "trend-folder" in capsys.readouterr().out


def test_it_is_evaluated_in_its_own_size_and_colour(checkpoint, clips, tmp_path):
    kept = tmp_path / "scores.json"
    given = ["--protocol", "folder:2+3", "--data-root", str(clips), "--split", "all", "--short-side", str(HEIGHT)]
    main(["evaluate", str(checkpoint), *given, "--device", "cpu", "--json", str(kept)])
    scores = json.loads(kept.read_text())
    assert scores["clips"] == 6 and scores["metrics"]["psnr_db"]["mean"] > 5 and "copy_last" in scores["baselines"]


def test_it_predicts_a_clip_in_the_size_it_came_in(checkpoint, clips):
    result = vp.sample(vp.load(checkpoint, "cpu"), vp.data.read_clip(clips / "0.mp4"), n=1)
    frames = next(row.frames for row in result.rows if row.kind == "sample")
    assert frames.shape == (5, HEIGHT, WIDTH, 3)


def test_the_app_offers_it(checkpoint, tmp_path):
    from vp.ui.models import Models

    (tmp_path / "trend-folder.safetensors").write_bytes(checkpoint.read_bytes())
    models = Models("cpu", tmp_path)
    assert "trend-folder" in models.cards and models.get("trend-folder").family is FAMILY
