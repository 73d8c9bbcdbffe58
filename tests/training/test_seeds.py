"""Seeds: another seed, continuation, step or process means other clips and other noise, on the CPU too."""

import dataclasses
import itertools

import pytest
import torch

from vp.catalog import find_recipe
from vp.core.noise import draw_noise
from vp.core.predictor import seed_grid
from vp.training.settings import Settings
from vp.training.trainer import Trainer
from vp.training.training_data import TrainingData, step_seed


def tiny():
    """A recipe with its family's smallest network that takes moving digits."""
    family, found = find_recipe("svg-det-smmnist")
    return family, dataclasses.replace(found, config=dataclasses.replace(family.tiny(), size=64), batch=2, length=6)


def data(seed: int = 0, continuation: int = 0) -> TrainingData:
    more = {"digits": "strokes", "data_root": None, "accumulate": 2, "continuation": continuation}
    return TrainingData(tiny()[1], torch.device("cpu"), batch=2, seed=seed, **more)


def drawn(source: TrainingData, step: int, index: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Clips and noise of a step's mini-batch."""
    batches, generators = source.batches_for_step(step)
    return batches[index].frames, torch.randn(8, generator=generators[index])


def test_clips_and_noise_change_with_seed_continuation_step_and_mini_batch():
    cases = [(0, 0, 0, 0), (1, 0, 0, 0), (2**32 - 1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)]
    found = [drawn(data(seed, continuation), step, index) for seed, continuation, step, index in cases]
    for index, (frames, numbers) in enumerate(found):
        for others, other_numbers in found[:index]:
            assert not torch.equal(frames, others) and not torch.equal(numbers, other_numbers)
    again = drawn(data(), 0)
    assert all(torch.equal(a, b) for a, b in zip(found[0], again))


def test_seeds_of_steps_fit_all_generators_and_do_not_meet():
    cases = list(itertools.product(range(4), range(3), range(100), range(2)))
    seeds = {step_seed(*case) for case in cases}
    assert len(seeds) == len(cases) and max(seeds) < 2**32
    one, other = (torch.rand(4, generator=torch.Generator().manual_seed(seed)) for seed in (5, 5 + 2**32))
    assert torch.equal(one, other), "why: torch's CPU generator drops the upper half of a seed"


def test_statistics_are_taken_from_other_clips_with_another_seed():
    one, other = data(), data(seed=1)
    assert torch.equal(one.sample(3).frames, data().sample(3).frames)
    assert not torch.equal(one.sample(3).frames, other.sample(3).frames)


def test_a_continuation_sees_fresh_clips_and_the_same_ones_when_it_is_resumed(tmp_path):
    def settings(name, **more):
        return Settings(out=tmp_path / name, steps=2, device="cpu", precision="fp32", digits="strokes", **more)

    first = Trainer(*tiny(), settings("a"))
    first.save()
    second = Trainer(*tiny(), settings("b", init=str(tmp_path / "a" / "last.safetensors")))
    second.save()
    third = Trainer(*tiny(), settings("c", init=str(tmp_path / "b" / "last.safetensors")))
    assert [x.data.continuation for x in (first, second, third)] == [0, 1, 2]
    clips = [drawn(x.data, 0)[0] for x in (first, second, third)]
    assert not torch.equal(clips[0], clips[1]) and not torch.equal(clips[1], clips[2])
    assert torch.equal(drawn(Trainer(*tiny(), settings("b", resume=True)).data, 0)[0], clips[1])


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seeds_out_of_range_get_one_sentence(seed):
    with pytest.raises(ValueError, match=f"seed is {seed}; give a whole number from 0 to 4294967295"):
        data(seed=seed)
    with pytest.raises(ValueError, match=f"seed is {seed}; give a whole number from 0 to 4294967295"):
        seed_grid(seed, 1, 1)


def test_samples_keep_the_seeds_they_always_had_and_differ_between_seeds():
    assert seed_grid(3, 2, 2).tolist() == [[23_757, 23_758], [1_023_760, 1_023_761]]
    seeds = [int(seed_grid(seed, 1, 1)) % 2**32 for seed in (0, 1, 2**16, 2**31, 2**32 - 1)]
    assert len(set(seeds)) == 5, "what the CPU's generator keeps of them"
    assert torch.equal(draw_noise(torch.tensor([[7]]), 3)[0, 0], torch.randn(3, generator=torch.Generator().manual_seed(7)))
