"""The ablation: a part's output becomes its mean over the clips, in every family, and all is as before afterwards."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from benchmarks.ablation import averaged, mean_over_rows, parts
from vp.catalog import FAMILIES
from vp.core.predictor import seed_grid
from vp.core.runtime import Runtime
from vp.core.video import Observation

TRAINED = [name for name, family in FAMILIES.items() if family.recipes]


def tiny(name: str, **changes) -> SimpleNamespace:
    """A small model of a family with weights of some size, as `vp.load` returns one."""
    family = FAMILIES[name]
    torch.manual_seed(0)
    cfg = replace(family.tiny(), **changes)
    networks = family.networks(cfg)
    with torch.no_grad():
        for p in networks.parameters():
            p.add_(0.05 * torch.randn_like(p))
    predictor = family.predictor(cfg, networks, Runtime.pick("cpu", "fp32"))
    return SimpleNamespace(name=f"tiny-{name}", family=family, predictor=predictor)


def futures(model) -> torch.Tensor:
    cfg = model.predictor.cfg
    side = getattr(cfg, "size", 32)  # or any
    clips = torch.rand(3, cfg.n_past + 3, cfg.channels, side, side, generator=torch.Generator().manual_seed(1))
    return model.predictor.predict(Observation.prefix(clips, cfg.n_past), seed_grid(0, 3, 2)).frames[:, :, cfg.n_past :]


@pytest.mark.parametrize("name", TRAINED)
def test_the_part_that_names_a_model_is_found_called_with_all_clips_and_put_back(name):
    model = tiny(name)
    before = futures(model)
    words, error, modules = parts(model)
    with averaged(modules) as calls:
        without = futures(model)
    assert words and error in ("mse", "pixel_mse", "crps") and max(calls) >= 3
    assert not torch.equal(without, before)
    assert torch.equal(futures(model), before)


def test_without_its_convlstms_every_clip_gets_the_same_future():
    model = tiny("vpn")
    with averaged(parts(model)[2]):
        shown = futures(model)
    assert torch.equal(shown[0], shown[1]) and not torch.equal(futures(model)[0], futures(model)[1])


@pytest.mark.parametrize(("network", "widths"), [("lstm", (8, 16, 16, 16)), ("simvp", (8, 16))])
def test_without_its_network_a_painter_still_sees_the_last_known_frame(network, widths):
    model = tiny("vpn", network=network, widths=widths, blocks=2, latent=16)
    with averaged(parts(model)[2]):
        shown = futures(model)
    assert not torch.equal(shown[0], shown[1]) and not torch.equal(shown, futures(model))


def test_the_learned_prior_is_judged_by_crps_and_a_baseline_has_no_parts():
    assert parts(tiny("svg"))[:2] == ("learned prior", "crps")
    assert parts(tiny("svg", latent="none"))[:2] == ("recurrent network", "mse")
    with pytest.raises(ValueError, match="no part to replace"):
        parts(SimpleNamespace(name="flow", family=FAMILIES["flow"], predictor=None))


def test_rows_become_their_mean():
    pair = mean_over_rows((torch.tensor([[1.0], [3.0]]), torch.tensor([0.0, 4.0])))
    assert pair[0].tolist() == [[2.0], [2.0]] and pair[1].tolist() == [2.0, 2.0]
