"""A resumed run equals an uninterrupted one bit for bit: every family, its critics and stages, and both optimisers."""

import dataclasses
from collections.abc import Iterator

import pytest
import torch

from vp.catalog import FAMILIES, find_recipe
from vp.core.family import Family, Recipe, Stage
from vp.training import state
from vp.training.settings import Settings
from vp.training.trainer import Trainer

TRAINED = [name for name, family in FAMILIES.items() if family.recipes]
STEPS = 6


def with_critic(config):
    """The config, with a critic where its family can have one."""
    if hasattr(config, "objective"):
        return dataclasses.replace(config, objective=with_critic(config.objective))
    wanted = {name: 0.1 for name in ("adversarial", "matching") if hasattr(config, name)}
    return dataclasses.replace(config, **wanted)


def smallest(name: str, optimizer: str | None) -> tuple[Family, Recipe]:
    """A family's smallest network with all the phases it has, in stages of one of its recipes.

    Every phase has its own optimiser, or all have `optimizer`.
    """
    family = FAMILIES[name]
    config = with_critic(family.tiny())
    phases = {phase.name for phase in family.phases(config)}

    def stages(found: Recipe) -> tuple[Stage, ...]:
        return tuple(dataclasses.replace(stage, share=1.0) for stage in found.stages if phases.issuperset(stage.phases))

    found = max(family.recipes, key=lambda r: len({phase for stage in stages(r) for phase in stage.phases}))
    assert {phase for stage in stages(found) for phase in stage.phases} == phases
    small = dataclasses.replace(found, config=config, data={"folder": 1.0}, stages=stages(found), batch=2, length=None)
    if optimizer:
        own = family.phases
        family = dataclasses.replace(
            family, phases=lambda cfg: tuple(dataclasses.replace(phase, optimizer=optimizer) for phase in own(cfg))
        )
    return family, small


def published() -> tuple[Family, Recipe]:
    """SVG's dcgan as published, on two clips of four frames."""
    family, found = find_recipe("svg-lp-published")
    objective = dataclasses.replace(found.config.objective, lengths=((0.0, 4),))
    config = dataclasses.replace(found.config, n_past=2, n_future=2, g_dim=32, rnn_size=32, objective=objective)
    return family, dataclasses.replace(found, config=config, data={"folder": 1.0}, batch=2)


def steps(trainer: Trainer, until: int) -> Iterator[dict[str, torch.Tensor]]:
    while trainer.step < until:
        yield trainer.advance()


def assert_resumes_exactly(family: Family, found: Recipe, clips, tmp_path, halt: int, total: int = STEPS) -> Trainer:
    """Compares what is told of every step after the halt, and in the end all that a run consists of; returns the resumed run."""

    def settings(name: str, **more) -> Settings:
        return Settings(tmp_path / name, steps=total, device="cpu", precision="fp32", data_root=str(clips), seed=5, **more)

    whole, first = (Trainer(family, found, settings(name)) for name in ("whole", "halves"))
    said = list(steps(whole, total))
    list(steps(first, halt))
    first.save()
    second = Trainer(family, found, settings("halves", resume=True))
    for wanted, got in zip(said[halt:], steps(second, total), strict=True):
        assert wanted.keys() == got.keys() and all(torch.equal(wanted[name], got[name]) for name in wanted)
    one, other = (state.pack(x.networks, x.average, x.optimizers) for x in (whole, second))
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []
    (batches, (generator,)), (same, (alike,)) = (x.data.batches_for_step(total) for x in (whole, second))
    assert all(torch.equal(a.frames, b.frames) for a, b in zip(batches, same, strict=True))
    assert torch.equal(torch.rand(4, generator=generator), torch.rand(4, generator=alike))
    return second


@pytest.mark.parametrize("optimizer", [None, "adamw"], ids=["own", "adamw"])
@pytest.mark.parametrize("name", TRAINED)
def test_every_family_with_its_critic_resumes_exactly(name, optimizer, clips, tmp_path):
    family, found = smallest(name, optimizer)
    trainer = assert_resumes_exactly(family, found, clips, tmp_path, halt=3)
    assert set(trainer.optimizers) == {phase for stage in found.stages for phase in stage.phases}
    assert all(optimizer.state for optimizer in trainer.optimizers.values()), "every phase had a turn"


def test_the_published_network_resumes_exactly(clips, tmp_path):
    trainer = assert_resumes_exactly(*published(), clips, tmp_path, halt=2, total=4)
    (optimizer,) = trainer.optimizers.values()
    layouts = [moments["exp_avg"].is_contiguous() for moments in optimizer.state.values()]
    assert not all(layouts), "kernels are channels_last, and so are their moments"


def test_moments_come_back_in_the_order_of_their_weights():
    weight = torch.nn.Parameter(torch.rand(4, 3, 2, 2).to(memory_format=torch.channels_last))
    bias = torch.nn.Parameter(torch.rand(4))
    trained, fresh = (torch.optim.AdamW([weight, bias], fused=True) for _ in range(2))
    for p in (weight, bias):
        p.grad = torch.rand_like(p)
    trained.step()
    found = trained.state_dict()
    rows = {index: {name: x.contiguous() for name, x in moments.items()} for index, moments in found["state"].items()}
    state.load_moments(fresh, {**found, "state": rows})
    for p in (weight, bias):
        for name, x in trained.state[p].items():
            assert torch.equal(fresh.state[p][name], x) and fresh.state[p][name].stride() == x.stride()


def test_planning_leaves_optimisers_that_have_taken_steps_as_they_were(clips, tmp_path):
    settings = Settings(tmp_path, minutes=1.0, device="cpu", precision="fp32", data_root=str(clips))
    trainer = Trainer(*published(), settings)
    trainer.total = STEPS
    list(steps(trainer, 1))
    before = state.pack(trainer.networks, trainer.average, trainer.optimizers)
    (optimizer,) = trainer.optimizers.values()
    strides = [moments["exp_avg"].stride() for moments in optimizer.state.values()]
    trainer.plan_steps()
    after = state.pack(trainer.networks, trainer.average, trainer.optimizers)
    assert all(torch.equal(x, after[name]) for name, x in before.items())
    assert strides == [moments["exp_avg"].stride() for moments in optimizer.state.values()]


def test_other_digits_are_refused_before_mnist_is_looked_for(tmp_path, monkeypatch):
    """A run may have begun on another machine, where MNIST was; or be asked to go on with MNIST, which is not here."""
    from vp.training.settings import Settings
    from vp.training.train import check_same_digits

    monkeypatch.delenv("VP_DATA", raising=False)
    family, found = find_recipe("svg-det-smmnist")
    resumed = Settings(tmp_path, resume=True, digits="mnist")
    with pytest.raises(ValueError, match="with --digits strokes and would go on with --digits mnist; give --digits strokes"):
        check_same_digits({"digits": "strokes"}, found, resumed)
    resumed = dataclasses.replace(resumed, digits="auto")
    with pytest.raises(ValueError, match="was begun with --digits mnist and .* strokes; no MNIST is found here, give its folder"):
        check_same_digits({"digits": "mnist"}, found, resumed)
    check_same_digits({"digits": "strokes"}, found, resumed)
    check_same_digits({}, found, resumed)
