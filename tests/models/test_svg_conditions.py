"""Conditions: what reaches which network, from which frame, on which scale."""

import dataclasses

import pytest
import torch

from vp.core.family import Progress
from vp.core.predictor import seed_grid
from vp.core.runtime import Runtime
from vp.core.video import Batch, Observation
from vp.models.svg import fit_statistics, networks, phases, predictor, tiny
from vp.models.svg.conditions import Conditioner
from vp.models.svg.config import Conditions, SVGConfig
from vp.prediction import checkpoint

CONDITIONS = Conditions(3, width=8)


def acting(**more) -> SVGConfig:
    return dataclasses.replace(tiny(), conditions=CONDITIONS, **more)


def make(cfg: SVGConfig):
    """A predictor whose weights are large enough for small causes to show."""
    torch.manual_seed(0)
    nets = networks(cfg)
    with torch.no_grad():
        for p in nets.parameters():
            p.mul_(1.7)
    return predictor(cfg, nets, Runtime.pick("cpu", "fp32"))


def frames_of(model, clip, actions, **options):
    observation = Observation.prefix(clip, 3, actions=actions)
    return model.predict(observation, seed_grid(0, len(clip), 2), model.options_type.parse(options)).frames


@pytest.fixture
def clip():
    return torch.rand(2, 6, 1, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("alignment", "first_changed"), [("t-1", 5), ("t", 4)])
@pytest.mark.parametrize("backbone", ["compact", "dcgan"])
def test_the_action_of_frame_4_leads_to_the_frame_that_the_alignment_says(backbone, alignment, first_changed):
    size = 32 if backbone == "compact" else 64
    conditions = dataclasses.replace(CONDITIONS, alignment=alignment)
    model = make(dataclasses.replace(acting(), backbone=backbone, size=size, conditions=conditions))
    clip = torch.rand(1, 6, 1, size, size)
    still, other = torch.zeros(1, 6, 3), torch.zeros(1, 6, 3)
    other[:, 4] = 1.0
    a, b = (frames_of(model, clip, actions, temperature=0.0) for actions in (still, other))
    changed = (a != b).flatten(3).any(-1)[0, 0].tolist()
    assert changed == [t >= first_changed for t in range(6)]


@pytest.mark.parametrize("backbone", ["compact", "dcgan"])
@pytest.mark.parametrize("sees", [True, False])
def test_the_learned_prior_sees_them_where_it_should(backbone, sees):
    size = 32 if backbone == "compact" else 64
    conditions = dataclasses.replace(CONDITIONS, prior=sees)
    model = make(dataclasses.replace(acting(), backbone=backbone, size=size, conditions=conditions))
    clip = torch.rand(1, 4, 1, size, size)

    def mean(value):
        observation = Observation.prefix(clip, 3, actions=torch.full((1, 4, 3), value))
        trace = model.predict(observation, seed_grid(0, 1, 1)).traces["prior_mean"]
        return trace[0, 0, 1]  # the first step: nothing but the prior has seen an action yet

    assert torch.equal(mean(0.0), mean(1.0)) is not sees


def test_none_given_means_all_zero_and_what_does_not_fit_is_refused(clip):
    model = make(acting())
    assert torch.equal(frames_of(model, clip, None), frames_of(model, clip, torch.zeros(2, 6, 3)))
    with pytest.raises(ValueError, match="actions of 2 numbers a frame came; this model takes 3"):
        frames_of(model, clip, torch.zeros(2, 6, 2))
    with pytest.raises(ValueError, match="not finite"):
        frames_of(model, clip, torch.full((2, 6, 3), float("nan")))


def test_statistics_make_the_scale_of_the_numbers_irrelevant():
    """Degrees or radians: after measuring, the network is fed the same; a constant component is no division by zero."""
    torch.manual_seed(0)
    one, other = (Conditioner(Conditions(3)) for _ in range(2))
    rows = torch.randn(50, 6, 3) * torch.tensor([1.0, 0.3, 0.0]) + torch.tensor([0.0, 2.0, 5.0])
    scale = torch.tensor([57.3, 1000.0, 1.0])
    one.fit_statistics(rows)
    other.fit_statistics(rows * scale)
    torch.testing.assert_close(one(rows), other(rows * scale), rtol=1e-4, atol=1e-4)
    fed = one(rows)[:, 1:]
    assert fed[..., :2].std() == pytest.approx(1, abs=0.05) and fed[..., 2].abs().max() < 1e-5
    (low, high), *_ = one.action_spec().ranges
    assert low == pytest.approx(rows[..., 0].min().item()) and high == pytest.approx(rows[..., 0].max().item())


def clips(**extras):
    actions = torch.randn(256, 6, 3, generator=torch.Generator().manual_seed(0)) * 0.0123 + 4.567
    return Batch(torch.zeros(256, 6, 1, 32, 32), actions, extras)


@pytest.mark.parametrize("storage", ["fp16", "bf16"])
def test_statistics_come_back_from_a_checkpoint_unrounded(storage, tmp_path):
    cfg = acting()
    nets = networks(cfg)
    fit_statistics(cfg, nets, lambda count: clips())
    checkpoint.save(tmp_path / "x.safetensors", nets.state_dict(), {}, storage)
    back = networks(cfg)
    back.load_state_dict(checkpoint.read_weights(tmp_path / "x.safetensors"))
    for name in ("mean", "std", "low", "high"):
        assert torch.equal(getattr(back["svg"].conditioner, name), getattr(nets["svg"].conditioner, name)), name
    assert nets["svg"].conditioner.mean[0] == pytest.approx(4.567, abs=0.01), "not what the network began with"


def test_sources_stand_side_by_side_and_missing_ones_are_named():
    cfg = dataclasses.replace(acting(), conditions=Conditions(5, sources=("actions", "state")))
    nets = networks(cfg)
    state = torch.randn(256, 6, 2)
    fit_statistics(cfg, nets, lambda count: clips(state=state))
    assert nets["svg"].conditioner.mean[3:].tolist() == pytest.approx(state.flatten(0, 1).mean(0).tolist(), abs=1e-5)
    with pytest.raises(ValueError, match="the clips have no state; they have actions"):
        fit_statistics(cfg, nets, lambda count: clips())
    with pytest.raises(ValueError, match="the clips have no actions and no state; they have frames only"):
        fit_statistics(cfg, nets, lambda count: Batch(torch.zeros(1, 6, 1, 32, 32)))
    with pytest.raises(ValueError, match="actions and state of 6 numbers a frame came; the recipe is conditioned on 5"):
        fit_statistics(cfg, nets, lambda count: clips(state=torch.zeros(256, 6, 3)))


@pytest.mark.parametrize("backbone", ["compact", "dcgan"])
@pytest.mark.parametrize("latent", ["none", "fixed", "learned"])
def test_training_reads_the_batch_s_actions_and_every_parameter_learns(backbone, latent):
    size = 32 if backbone == "compact" else 64
    cfg = dataclasses.replace(acting(), backbone=backbone, latent=latent, size=size)
    nets = networks(cfg)
    frames, actions = torch.rand(2, 6, 1, size, size), torch.randn(2, 6, 3, requires_grad=True)
    (phase,) = phases(cfg)
    phase.loss(nets, Batch(frames, actions), Progress(share=0.9), torch.Generator().manual_seed(0)).total.backward()
    idle = [name for name, p in nets.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert idle == [] and (actions.grad.abs().sum((0, 2)) > 0).sum() >= 4, "the actions of the frames that are predicted"


def test_the_lab_s_model_has_its_parameters_but_for_the_batch_norm():
    """vgg_64, 4 actions and 3 positions as raw numbers to the frame predictor: 22,241,539 less 256 of a BatchNorm1d."""
    lab = Conditions(7, sources=("actions", "state"), prior=False)
    cfg = SVGConfig(latent="fixed", backbone="vgg", channels=3, n_past=2, z_dim=64, conditions=lab)
    with torch.device("meta"):
        count = sum(p.numel() for p in networks(cfg).parameters())
    assert count == 22_241_539 - 256


def test_a_config_from_before_there_were_conditions_is_one_without():
    stored = checkpoint.config_to_json(tiny())
    del stored["conditions"]
    for name in ("kl", "kl_cycles", "kl_ratio", "teacher_start", "teacher_from", "teacher_floor", "teacher_draw"):
        del stored["objective"][name]
    assert checkpoint.config_from_json(SVGConfig, stored) == tiny()
    again = checkpoint.config_from_json(SVGConfig, checkpoint.config_to_json(acting()))
    assert again == acting()


@pytest.mark.parametrize("wrong", [{"size": 0}, {"size": 3, "alignment": "t+1"}, {"size": 3, "width": -1}])
def test_impossible_conditions_are_refused(wrong):
    with pytest.raises(ValueError, match="give"):
        Conditions(**wrong)
