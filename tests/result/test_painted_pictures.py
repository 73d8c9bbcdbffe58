"""From a clip to a result with pictures: rows in colour, a person's painting, films and files."""

import numpy as np
import pytest
import torch

from vp.core.predictor import Predictor
from vp.core.runtime import Runtime
from vp.core.video import Capabilities, Prediction, Step
from vp.data import Clip
from vp.models.fusion import FAMILY, networks, tiny
from vp.models.fusion.pictures import fusion_pictures, to_overlay
from vp.prediction.assemble import preview_result
from vp.prediction.baseline_rows import baseline_rows
from vp.prediction.model import Model, load
from vp.prediction.request import Wishes, make_observation, prepare_request
from vp.prediction.sample import sample, stream
from vp.result.montage import draw_montage, frame_role
from vp.result.result import Result


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    nets = networks(tiny())
    with torch.no_grad():
        for p in nets.parameters():
            p.add_(0.05 * torch.randn_like(p))
    return Model("small", FAMILY, FAMILY.predictor(tiny(), nets, Runtime.pick("cpu", "fp32")), {})


@pytest.fixture(scope="module")
def clip():
    frames = np.zeros((10, 32, 32, 1), np.uint8)
    for t in range(10):
        frames[t, 8:16, 2 * t : 2 * t + 8] = 230
    return frames


def row(result, kind):
    (index,) = result.kind(kind)
    return result.rows[index]


def test_pictures_follow_the_frames_in_colour_and_carry_no_scores(model, clip):
    result = sample(model, clip, n=1)
    assert [r.kind for r in result.rows] == ["truth", *["baseline"] * 2, *["reference"] * 3, "sample", "picture", "picture_truth"]
    assert {r.frames.shape for r in result.rows} == {(10, 32, 32, 3)}
    true = to_overlay(
        fusion_pictures(torch.from_numpy(clip).movedim(-1, 1)[None].float() / 255, tiny().drawing, 4), tiny().drawing
    )[0]
    want = true.mul(255).round().byte().movedim(1, -1).numpy()
    assert np.array_equal(row(result, "picture_truth").frames, want)
    assert np.array_equal(row(result, "picture").frames[:4], want[:4]), "those of the known frames"
    assert (row(result, "truth").frames == clip).all(), "grey shown as three equal channels"
    for values in result.metrics.values():
        assert np.isnan(values[-2:]).all() and np.isfinite(values[4, 4:]).all()


def test_references_say_what_they_are(model, clip):
    notes = {r.label: r.note for r in sample(model, clip).rows if r.kind == "reference"}
    assert "upper reference" in notes["True pictures"] and set(notes) == {"True pictures", "Not tuned", "Not sharpened"}
    assert "true future" not in notes["Not tuned"] + notes["Not sharpened"]


def test_without_the_whole_truth_there_are_no_true_pictures(model, clip):
    result = sample(model, clip[:6], n_past=4, n_future=6)
    assert [r.kind for r in result.rows] == ["truth", *["baseline"] * 2, "sample", "picture"]


def test_painting_on_a_picture_changes_its_frame_alone(model, clip):
    usual = sample(model, clip)
    picture = np.repeat(np.repeat(row(usual, "picture").frames[6], 4, 0), 4, 1)
    picture[:, :64] = (77, 0, 0)
    painted = sample(model, clip, pictures={6: picture})
    changed = (row(painted, "sample").frames != row(usual, "sample").frames).any((1, 2, 3))
    assert changed.nonzero()[0].tolist() == [6]
    got = row(painted, "picture").frames
    assert (np.abs(got[6, :, :16].astype(int) - (77, 0, 0)) <= 1).all(), "shrunk to the frame's size"
    assert (got[6, :, 16:] == row(usual, "picture").frames[6, :, 16:]).all()


def test_pictures_that_cannot_be_used_get_one_sentence(model, clip):
    picture = np.zeros((8, 8, 3), np.uint8)
    for words, wrong in {
        "for frame 10; give uint8 .* for a frame from 0 to 9": {10: picture},
        r"a picture is float64 \(8, 8, 3\)": {5: picture.astype(float)},
        r"a picture is uint8 \(8, 8\)": {5: picture[..., 0]},
    }.items():
        with pytest.raises(ValueError, match=words):
            sample(model, clip, pictures=wrong)
    with pytest.raises(ValueError, match="pictures came for copy-last, which has none of its own"):
        sample(load("copy-last", "cpu", "fp32"), clip, pictures={5: picture})


def test_nothing_painted_means_no_pictures_in_the_observation(model, clip):
    request = prepare_request(model, clip, Wishes(n=1))
    assert make_observation(request, model.predictor).pictures is None


def test_a_growing_result_has_the_shape_of_the_finished_one(model, clip):
    request = prepare_request(model, clip, Wishes(n=1))
    preview = torch.rand(1, 1, 10, 1, 32, 32)
    baselines = list(baseline_rows(make_observation(request, model.predictor), model.name))
    early = preview_result(model, request, preview, np.arange(10) < 6, ["true_pictures", "not_tuned", "not_sharpened"], baselines)
    last = sample(model, clip)
    assert [(r.kind, r.label, r.frames.shape) for r in early.rows] == [(r.kind, r.label, r.frames.shape) for r in last.rows]
    assert all(r.pending and not r.frames.any() for r in early.rows if r.kind.startswith("picture"))
    *_, progress = stream(model, clip)
    assert progress.result.ready is None


def test_results_with_pictures_travel_and_are_filmed(model, clip, tmp_path):
    result = sample(model, Clip(clip, 10.0), n_past=4, n_future=6)
    result.save(tmp_path)
    again = Result.load(tmp_path)
    assert all(np.array_equal(a.frames, b.frames) and a.kind == b.kind for a, b in zip(result.rows, again.rows))
    assert (
        frame_role(result, row(result, "picture_truth"), 8) == "truth"
        and frame_role(result, row(result, "picture"), 8) == "generated"
    )
    assert draw_montage(result).shape[0] == 10


class Plain(Predictor):
    capabilities = Capabilities()

    def stream(self, observation, seeds, options=None):
        frames = observation.frames[:, None].nan_to_num()
        yield Step(1, 1, prediction=Prediction(frames))


def test_models_without_pictures_stay_grey(clip, model):
    result = sample(Model("plain", load("copy-last", "cpu", "fp32").family, Plain(), {}), clip)
    assert {r.frames.shape[-1] for r in result.rows} == {1} and not result.kind("picture")
