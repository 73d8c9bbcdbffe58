"""Pictures of a model's own in an evaluation, and the figure of a protocol's curves."""

import dataclasses
import json

import pytest
import torch

from vp.core.predictor import Predictor
from vp.core.runtime import Runtime
from vp.core.video import Batch, Capabilities, Prediction, Step
from vp.data import PROTOCOLS
from vp.evaluation.curves import PAPERS, draw_curves
from vp.evaluation.evaluate import evaluate
from vp.evaluation.paper_curves import published_curves
from vp.evaluation.pictures import score_pictures
from vp.metrics import psnr
from vp.models.fusion import FAMILY, FusionConfig, networks
from vp.prediction.model import Model, load
from vp.result.tables import format_scores


class Painter(Predictor):
    """Shows pictures a tenth too bright."""

    capabilities = Capabilities(pictures={"own": "Pictures of its own"})

    def stream(self, observation, seeds, options=None):
        true = observation.target[:, None] * 0.5
        yield Step(1, 1, prediction=Prediction(observation.target[:, None], pictures={"own": true + 0.1, "own_true": true}))


def test_pictures_are_scored_beside_the_last_true_one():
    data, known = Batch(torch.rand(3, 6, 1, 16, 16)), torch.arange(6) < 2
    rows = score_pictures(Painter(), Painter.options_type(), data, known)
    assert set(rows) == {"own", "own copied"}
    assert rows["own"]["per_frame"]["psnr_db"]["mean"] == pytest.approx([20.0] * 4, abs=1e-3)
    true = data.frames * 0.5
    want = psnr(true[:, [1]].expand(-1, 4, -1, -1, -1), true[:, 2:]).mean(0).tolist()
    assert rows["own copied"]["per_frame"]["psnr_db"]["mean"] == pytest.approx(want, abs=1e-4)


def test_a_model_without_pictures_has_no_such_rows():
    model = load("copy-last", "cpu", "fp32")
    data, known = Batch(torch.rand(2, 4, 1, 16, 16)), torch.arange(4) < 2
    assert score_pictures(model.predictor, model.predictor.options_type(), data, known) == {}


@pytest.fixture(scope="module")
def result():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    cfg = dataclasses.replace(FusionConfig(), widths=(8, 8), mixing=8, translator=(8, 8))
    predictor = FAMILY.predictor(cfg, networks(cfg), Runtime.pick("cpu", "fp32"))
    return evaluate(Model("untrained", FAMILY, predictor, {}), "fusion-16-32", clips=2, samples=3)


def test_the_protocol_shows_every_row_of_the_papers_plots_over_32_frames(result):
    plan = PROTOCOLS["fusion-16-32"]
    assert (plan.n_past, plan.n_future) == (16, 32)
    assert set(result["rows"]) == {"true_pictures", "not_tuned", "not_sharpened"}
    assert set(result["pictures"]) == {"fusion", "fusion copied"}
    assert {"black", "mean_image", "copy_last", "flow"} <= set(result["baselines"])
    rows = [result, *result["rows"].values(), *result["pictures"].values(), *result["baselines"].values()]
    assert all(len(row["per_frame"][name]["mean"]) == 32 for row in rows for name in ("psnr_db", "ssim"))
    json.dumps(result)
    table = format_scores(result)
    assert "pictures: fusion copied" in table and "not_tuned" in table


def test_the_figure_shows_the_papers_curves_beside_ours(result, tmp_path):
    figure = pytest.importorskip("matplotlib.figure")
    drawn = []
    plot = figure.Figure.savefig

    def keep(self, *args, **kwargs):
        drawn.extend([line.get_label() for line in axes.get_lines()] for axes in self.axes)
        return plot(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figure.Figure, "savefig", keep)
        path = draw_curves(result, tmp_path / "curves.png")
    assert path.stat().st_size > 10_000 and len(drawn) == 4
    assert {"untrained", "true pictures", "not tuned", "fusion", "copy last", "black"} <= set(drawn[0]) == set(drawn[2])
    assert {"BIKE theirs", "danc pix2pixHD"} <= set(drawn[1]) and "ship theirs" in drawn[3]
    other = draw_curves(result | {"protocol": "mmnist"}, tmp_path / "plain.png")
    assert other.stat().st_size < path.stat().st_size and set(PAPERS) == {"fusion-16-32"}


def test_the_papers_numbers_say_what_was_read_from_its_plots():
    """Means of the first sixteen steps, as reported beside the decoded curves."""
    means = {"BIKE": (18.23, 15.63), "danc": (19.71, 21.38), "ship": (19.56, 19.05)}
    similar = {"BIKE": (0.398, 0.266), "danc": (0.644, 0.418), "ship": (0.215, 0.141)}
    for metric, table, tolerance in (("psnr_db", means, 0.02), ("ssim", similar, 0.002)):
        lines = published_curves(metric)
        for clip, wanted in table.items():
            got = [sum(lines[f"{clip} {who}"][:16]) / 16 for who in ("theirs", "pix2pixHD")]
            assert got == pytest.approx(wanted, abs=tolerance)
    assert published_curves("mse") == {}
