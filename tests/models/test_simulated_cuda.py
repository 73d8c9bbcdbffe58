"""Every family on a simulated GPU: it predicts what it does on a CPU, and nothing in a recording waits, copies or draws."""

import warnings
from dataclasses import replace
from functools import partial

import pytest
import torch

from benchmarks.simulated_cuda import SimulatedCuda
from vp.bench.switches import Switches
from vp.bench.training import training_step
from vp.catalog import FAMILIES
from vp.core.family import Progress
from vp.core.predictor import seed_grid
from vp.core.runtime import Runtime
from vp.core.video import Batch, Observation, Step
from vp.data import open_dataset
from vp.evaluation.eval_rows import make_eval_row
from vp.evaluation.scoring import join_scores, score_chunks
from vp.metrics import crps
from vp.models.fusion.config import Drawing
from vp.models.svg.config import Conditions
from vp.models.svg.reference import per_frame_loss
from vp.models.vpn.config import NETWORKS
from vp.prediction.watch import observe_clips
from vp.training.updates import Updates

from .vpn_configs import WIDTHS

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
CLOSE = 1e-4  # processors round differently: 2e-5 was seen after two steps of diffusion


def networks_of(family, cfg):
    """Networks away from zeros at the start."""
    torch.manual_seed(0)
    nets = family.networks(cfg)
    with torch.no_grad():
        for p in nets.parameters():
            p.add_(0.02 * torch.randn(p.shape, generator=torch.Generator().manual_seed(p.numel())))
    return nets


def observed(cfg, known, clips):
    """Clips of moving squares on noise, of which the frames of the mask `known` (T,) are given."""
    side, channels = getattr(cfg, "size", 16), getattr(cfg, "channels", 3)
    frames = 0.3 * torch.rand(clips, len(known), channels, side, side, generator=torch.Generator().manual_seed(1))
    for t in range(len(known)):
        frames[:, t, :, 4:10, 2 + t % 8 : 8 + t % 8] = 0.9
    return Observation(frames.where(known[:, None, None, None], float("nan")), known, target=frames)


def check_against_cpu(family, cfg, known=None, clips=2, samples=3, **options):
    """Compares `predict`, and `stream` for several futures, with a CPU's prediction."""
    known = torch.arange(cfg.n_past + 2 - (family is RAMVID)) < cfg.n_past if known is None else known
    observation, seeds = observed(cfg, known, clips), seed_grid(0, clips, samples)
    plain = family.predictor(cfg, networks_of(family, cfg), Runtime(CPU, bf16=False))
    wish = plain.options_type.parse(options)
    wanted = plain.predict(observation, seeds, wish)
    with SimulatedCuda() as gpu, warnings.catch_warnings():
        warnings.simplefilter("error")  # a graph that could not be recorded would be said
        model = family.predictor(cfg, networks_of(family, cfg), Runtime(CUDA, bf16=False, recorder=gpu.record))
        made = [model.predict(observation, seeds, wish) for _ in range(3)][-1]  # computed, recorded, replayed
        *_, last = model.stream(observation, seeds, wish) if samples > 1 else [Step(1, 1, prediction=made)]
    for got in (made, last.prediction):
        torch.testing.assert_close(got.frames, wanted.frames, atol=CLOSE, rtol=0)
        for name, trace in wanted.traces.items():
            torch.testing.assert_close(got.traces[name], trace, atol=CLOSE, rtol=CLOSE, equal_nan=True)
    assert not gpu.failures, "\n".join(gpu.failures)
    assert gpu.replayed
    return gpu


def mask(pattern):
    return torch.tensor([letter == "1" for letter in pattern])


SVG, SVG_MOTION, RAMVID, RAMVID_MOTION, VPN, FUSION = (
    FAMILIES[name] for name in ("svg", "svg-motion", "ramvid", "ramvid-motion", "vpn", "fusion")
)
VPN_WIDTHS = [(name, WIDTHS[name]) for name in NETWORKS]
TWO_STEPS = {"steps": 2}
CASES = {  # family, changes of its tiny config, known frames (None: the first ones), options
    "svg": (SVG, {}, None, {}),
    "svg, fixed prior": (SVG, {}, None, {"prior": "fixed", "temperature": 0.5}),
    "svg, posterior": (SVG, {"conditions": Conditions(3, width=8)}, None, {"prior": "posterior"}),
    "svg, posterior mean": (
        SVG,
        {"backbone": "dcgan", "size": 64, "g_dim": 16, "rnn_size": 16},
        None,
        {"prior": "posterior-mean"},
    ),
    "svg without latent": (SVG, {"latent": "none"}, None, {}),
    "svg-motion": (SVG_MOTION, {}, None, {}),
    "svg-motion, posterior": (SVG_MOTION, {"camera": True}, None, {"prior": "posterior", "temperature": 1.0}),
    "svg-motion without latent": (SVG_MOTION, {"latent": "none"}, None, {}),
    "ramvid, mirrored": (RAMVID, {}, None, {"steps": 3}),
    "ramvid, dpm": (RAMVID, {}, None, {"solver": "dpm", "antithetic": False} | TWO_STEPS),
    "ramvid, euler": (RAMVID, {}, None, {"solver": "euler", "resample": 2} | TWO_STEPS),
    "ramvid, ddpm": (RAMVID, {"process": "ddpm"}, None, {"solver": "ddpm"} | TWO_STEPS),
    "ramvid, guidance": (RAMVID, {}, None, {"guidance": 1.5, "context_noise": 0.1} | TWO_STEPS),
    "ramvid, replaced": (RAMVID, {}, None, {"conditioning": "replaced"} | TWO_STEPS),
    "ramvid, infilling": (RAMVID, {}, "1001", TWO_STEPS),
    "ramvid, nothing known": (RAMVID, {}, "000", TWO_STEPS),
    "ramvid, windows": (RAMVID, {"length": 4}, "110000", {"steps": 1}),
    "ramvid, keyframes": (RAMVID, {"length": 4}, "000011", {"steps": 1, "long": "keyframes"}),
    "ramvid-motion": (RAMVID_MOTION, {}, None, TWO_STEPS),
    "ramvid-motion, dpm": (RAMVID_MOTION, {}, None, {"solver": "dpm"} | TWO_STEPS),
    "ramvid-motion, ancestral": (RAMVID_MOTION, {}, "10010001", {"solver": "ancestral"} | TWO_STEPS),
    "ramvid-motion, likeliest": (RAMVID_MOTION, {}, "0011", {"temperature": 0.0}),
    "ramvid-motion, windows": (RAMVID_MOTION, {"length": 4}, "1100000", {"steps": 1}),
    "ramvid-motion, keyframes": (RAMVID_MOTION, {"length": 4}, "1100000", {"steps": 1, "long": "keyframes"}),
    **{
        f"vpn, {name}": (VPN, {"network": name, "widths": widths, "latent": 16, "blocks": 2}, None, {})
        for name, widths in VPN_WIDTHS
    },
    "vpn, linear": (VPN, {"output": "linear"}, None, {}),
    "fusion": (FUSION, {}, None, {}),
    "fusion, true pictures": (FUSION, {"drawing": Drawing("overlay")}, None, {"pictures": "true", "translator": "plain"}),
    "fusion, not sharpened": (FUSION, {"reference": False}, None, {"sharpen": False}),
}


@pytest.mark.parametrize("family, changes, known, options", CASES.values(), ids=CASES)
def test_predictions_equal_those_on_a_cpu(family, changes, known, options):
    """For one future of two clips and three of one, in turn."""
    clips, samples = ((2, 1), (1, 3))[len(options) % 2]
    known = None if known is None else mask(known)
    check_against_cpu(family, replace(family.tiny(), **changes), known, clips, samples, **options)


MOST = 2e-3  # of a score: metrics are computed in other chunks, and structure in float32 by products instead of filters


@pytest.mark.parametrize(
    "family, changes, options",
    [
        (SVG, {"conditions": Conditions(2, width=8)}, {}),
        (SVG_MOTION, {}, {}),
        (RAMVID, {}, {"steps": 1}),
        (RAMVID_MOTION, {}, {"steps": 1}),
        (VPN, {"output": "linear"}, {}),
        (FUSION, {}, {"pictures": "true"}),
    ],
    ids=lambda x: getattr(x, "name", ""),
)
def test_scores_equal_those_on_a_cpu(family, changes, options):
    cfg = replace(family.tiny(), **changes)
    known, clips = torch.arange(cfg.n_past + 1) < cfg.n_past, 2
    frames = observed(cfg, known, clips).target
    extras = {"objects": frames[:, :, 0].gt(0.5).byte(), "contacts": torch.ones(clips, len(known), 1, dtype=torch.bool)}
    data = Batch(frames, torch.rand(clips, len(known), 2), extras)

    def scores(device):
        predictor = family.predictor(cfg, networks_of(family, cfg), Runtime(device, bf16=False))
        wish = predictor.options_type.parse(options)
        row = make_eval_row(predictor, wish, observe_clips(data, slice(0, 1), known), 2)
        return join_scores(list(score_chunks(row, data, known, 1, seed_grid(0, clips, row.samples), 2)))

    wanted = scores(CPU)
    with SimulatedCuda():
        got = scores(CUDA)
    assert got.one_future == wanted.one_future
    for name, values in wanted.frames.items():
        torch.testing.assert_close(got.frames[name], values, rtol=MOST, atol=MOST)
    torch.testing.assert_close(crps(got.ensemble), crps(wanted.ensemble), rtol=MOST, atol=MOST)


def with_critic(config):
    """The config, with a critic where its family can have one."""
    if hasattr(config, "objective"):
        return replace(config, objective=with_critic(config.objective))
    return replace(config, **{name: 0.1 for name in ("adversarial", "matching") if hasattr(config, name)})


def train(family, device, gpu=None, steps=2):
    """Terms of the log of each update of a family's smallest networks, all phases at once; `gpu` keeps the last one's events."""
    cfg = with_critic(family.tiny())
    torch.manual_seed(0)
    runtime, recipe = Runtime(device, bf16=False), replace(family.recipes[0], config=cfg)
    updates = Updates(family, recipe, runtime, runtime.place(family.networks(cfg)))
    batch, phases = Batch(observed(cfg, torch.ones(cfg.n_past + cfg.n_future) > 0, 2).target).to(device), tuple(updates.phases)
    terms = []
    for step in range(steps):
        progress = Progress(step=step, share=0.5, stage=0.5, phases=phases)
        if gpu:
            gpu.events.clear()
        terms.append(updates.update([batch], [torch.Generator(device).manual_seed(step)], phases, progress, 1.0))
        updates.follow(phases, step)
    return [{name: x.item() for name, x in of_step.items()} for of_step in terms]


def test_the_reference_step_trains_there_too():
    """`vp bench train` begins with it."""
    cfg = replace(SVG.tiny(), backbone="dcgan", size=64, g_dim=8, rnn_size=8, n_past=2, n_future=1)
    with SimulatedCuda() as gpu:
        step = training_step(SVG, cfg, partial(per_frame_loss, cfg), 2, Runtime(CUDA, bf16=False), Switches())
        step()
    assert not gpu.count("sync"), gpu.events


@pytest.mark.parametrize("name, most", {"smmnist-svg": 0, "smmnist-srvp": 3, "mmnist": 0, "digits-robust": 6}.items())
def test_simulated_clips_are_made_there_and_wait_seldom(name, most, monkeypatch):
    monkeypatch.delenv("VP_DATA", raising=False)

    def clips(device):
        return open_dataset(name, "train", digits="strokes", device=device).batch(2, 6, torch.Generator(device).manual_seed(1))

    wanted = clips(CPU)
    with SimulatedCuda() as gpu:
        got = clips(CUDA)
        waits = gpu.count("sync")
        frames = got.frames.cpu()
    assert torch.equal(frames, wanted.frames) and got.frames.is_cuda
    assert waits <= most, "\n".join(str(event) for event in gpu.events if event.kind == "sync")


# at most so many waits of an update in the objective itself, and why
WAITS = {
    "svg": 1,  # which frames are fed back
    "svg-motion": 2,  # whether fewer frames are seen, and how many
    "ramvid": 9,  # the mask and the excerpt; which clips a critic judges
    "ramvid-motion": 4,  # the mask
    "vpn": 2,  # the context's length, which frames are fed back
    "fusion": 2,  # which pictures are predicted
}


@pytest.mark.parametrize("family", [f for f in FAMILIES.values() if f.recipes], ids=lambda f: f.name)
def test_an_update_is_that_of_a_cpu_and_waits_seldom(family):
    wanted = train(family, CPU)
    with SimulatedCuda() as gpu:
        got = train(family, CUDA, gpu)
    assert wanted == [pytest.approx(terms, rel=1e-4, abs=1e-5) for terms in got]
    own = [e for e in gpu.events if e.where and e.where[0].startswith("models/")]
    assert sum(e.kind == "sync" and "copy" not in e.what for e in own) <= WAITS[family.name], "\n".join(map(str, own))
    lists = [str(e) for e in own if "list" in e.what and e.kind == "host copy"]
    assert not lists, lists
