"""The VPN recipes through the training loop: the adversarial one starts from a trained one, with a critic and an average."""

import dataclasses

import pytest
import torch

from vp.catalog import find_recipe
from vp.models.vpn.recipes import RECIPES
from vp.prediction import checkpoint
from vp.training.settings import Settings
from vp.training.trainer import Trainer


def small(name: str):
    """A recipe, narrow and on few frames."""
    family, found = find_recipe(name)
    objective = dataclasses.replace(found.config.objective, lengths=((0.0, 2),))
    widths = {"convlstm": (8, 16), "lstm": (8, 8, 8, 16), "simvp": (8, 16)}[found.config.network]
    config = dataclasses.replace(found.config, widths=widths, latent=16, n_past=3, n_future=2, least_past=2, objective=objective)
    config = config if config.pyramid else dataclasses.replace(config, patch=8)
    stages = tuple(dataclasses.replace(stage, share=1.0) for stage in found.stages)
    return family, dataclasses.replace(found, config=config, batch=2, stages=stages)


def settings(out, **more) -> Settings:
    return Settings(out=out, steps=4, device="cpu", precision="fp32", digits="strokes", **more)


@pytest.mark.parametrize("name", [recipe.name for recipe in RECIPES])
def test_every_recipe_takes_steps_of_all_its_stages(name, tmp_path):
    trainer = Trainer(*small(name), settings(tmp_path))
    for _ in range(4):
        terms = trainer.advance()
        assert all(torch.isfinite(x).all() for x in terms.values())
    assert terms["vpn_grad_norm"] > 0


def test_the_adversarial_recipe_starts_from_a_trained_one_and_averages_it(tmp_path):
    trained = Trainer(*small("vpn-conv-mmnist"), settings(tmp_path / "trained"))
    for _ in range(3):
        trained.advance()
    trained.save()
    start = tmp_path / "trained" / "last.safetensors"
    trainer = Trainer(*small("vpn-gan-mmnist"), settings(tmp_path / "gan", init=str(start)))
    saved, kept = checkpoint.read_weights(start), trainer.average.state_dict()
    assert saved.keys() == kept.keys()
    for networks in (trainer.networks, trainer.average):
        own = networks.state_dict()
        assert all(torch.equal(own[name], x) for name, x in saved.items())
    assert trainer.recipe.stages[trainer.stage_index(0.0)].phases == ("vpn", "critic") and {"vpn", "critic"} <= set(
        trainer.optimizers
    )
    critic = {name: x.clone() for name, x in trainer.networks["critic"].state_dict().items()}
    terms = trainer.advance()
    assert {"mse", "adversarial", "matching", "critic", "vpn_grad_norm", "critic_grad_norm"} <= set(terms)
    assert any(not torch.equal(x, critic[name]) for name, x in trainer.networks["critic"].state_dict().items())
    mean, now = trainer.average.state_dict(), trainer.networks.state_dict()
    moved = [name for name, x in saved.items() if not torch.equal(now[name], x)]
    assert moved and "critic" not in " ".join(mean)
    for name in moved:  # the first step of an average: a tenth of the old, nine of the new
        torch.testing.assert_close(mean[name], torch.lerp(saved[name], now[name], 0.9))
    trainer.export("last")
    assert checkpoint.read_weights(tmp_path / "gan" / "last.safetensors").keys() == saved.keys()
