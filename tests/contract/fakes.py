"""An honest predictor, and liars that differ from it in one promise each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vp.core.noise import draw_noise
from vp.core.options import Options, choice, slider
from vp.core.predictor import Predictor
from vp.core.video import Actions, Capabilities, Observation, Prediction, Step


@dataclass(frozen=True)
class HonestOptions(Options):
    prior: str = choice("own", {"own": "its own", "truth": "sees the future", "absent": "not there"}, "", "Prior")
    temperature: float = slider(1.0, 0.0, 2.0, 0.1, "", "Temperature")


class Honest(Predictor):
    """Paints unknown frames with the mean of the known ones, lighter or darker by the seed."""

    options_type = HonestOptions
    capabilities = Capabilities(
        any_mask=True,
        stochastic=True,
        priors={"own": None, "truth": None, "absent": "there is none"},
    )

    def check(self, observation: Observation, options: HonestOptions | None = None) -> None:
        super().check(observation, options)
        if options is not None and options.prior == "absent":
            raise ValueError("prior is 'absent', but there is none")

    def stream(self, observation: Observation, seeds: Tensor, options: Options | None = None) -> Iterator[Step]:
        options = options or HonestOptions()
        self.check(observation, options)
        frames = observation.frames[:, None].repeat(1, seeds.shape[1], 1, 1, 1, 1)
        shades = self.draw(seeds, frames.shape[2]) * self.spread(options)
        base = self.base(observation, options)[:, None]
        unknown = (~observation.known).nonzero().flatten().tolist()
        for index, t in enumerate(unknown, 1):
            frames[:, :, t] = self.paint(base, shades[:, :, t, None, None, None])
            prediction = Prediction(self.finish(frames, observation), {"shade": shades}) if t == unknown[-1] else None
            yield Step(self.count(index), len(unknown), frames.clone(), prediction)

    def draw(self, seeds: Tensor, length: int) -> Tensor:
        return draw_noise(seeds, length)

    def spread(self, options: HonestOptions) -> float:
        return 0.1 * options.temperature

    def base(self, observation: Observation, options: HonestOptions) -> Tensor:
        """(B, C, H, W)."""
        if options.prior == "truth":
            return observation.target.mean(1)
        return observation.frames[:, observation.known].mean(1)

    def paint(self, base: Tensor, shade: Tensor) -> Tensor:
        return (base + shade).clamp(0, 1)

    def finish(self, frames: Tensor, observation: Observation) -> Tensor:
        return frames

    def count(self, index: int) -> int:
        return index


class Overshoots(Honest):
    def paint(self, base, shade):
        return base + shade + 1


class RetouchesKnownFrames(Honest):
    def finish(self, frames, observation):
        frames[:, :, observation.known] *= 0.999
        return frames


class PeeksAtUnknownFrames(Honest):
    def base(self, observation, options):
        return super().base(observation, options) + 0.1 * observation.frames.nan_to_num().mean(1)


class CleansInPlace(Honest):
    def base(self, observation, options):
        observation.frames.nan_to_num_()
        return super().base(observation, options)


class OneGeneratorForTheBatch(Honest):
    def draw(self, seeds, length):
        return torch.randn(*seeds.shape, length, generator=torch.Generator().manual_seed(int(seeds[0, 0])))


class DeafToSeeds(Honest):
    def draw(self, seeds, length):
        return draw_noise(torch.zeros_like(seeds), length)


class SecretlyStochastic(Honest):
    capabilities = replace(Honest.capabilities, stochastic=False)


class WarmAtZero(Honest):
    def spread(self, options):
        return 0.1 * max(options.temperature, 0.5)


class CountsFromZero(Honest):
    def count(self, index):
        return index - 1


class StopsAtNothing(Honest):
    def stream(self, observation, seeds, options=None):
        for step in super().stream(observation, seeds, options):
            try:
                yield step
            except GeneratorExit:
                pass


class LeavesItsDeskFull(Honest):
    """Keeps work in progress on itself and clears it only at the end."""

    drift = 0.0

    def stream(self, observation, seeds, options=None):
        for step in super().stream(observation, seeds, options):
            self.drift += 0.05
            if step.prediction is not None:
                self.drift = 0.0
            yield step

    def base(self, observation, options):
        return super().base(observation, options) + self.drift


class WearsOut(Honest):
    """What it has prepared is good for one prediction."""

    def prepare(self, observation, options=None):
        known = observation.frames.clone()

        def predict(seeds):
            made = self.predict(replace(observation, frames=known.clone()), seeds, options)
            known.mul_(0.5)
            return made

        return predict


class KeepsGradientsOff(Honest):
    def stream(self, observation, seeds, options=None):
        with torch.no_grad():  # a generator that pauses within leaves its caller in this mode
            yield from super().stream(observation, seeds, options)


class TakesAnything(Honest):
    def check(self, observation, options=None):
        if options is not None and options.prior == "absent":
            raise ValueError("prior is 'absent', but there is none")


class PretendsToHaveThePrior(Honest):
    def check(self, observation, options=None):
        super().check(observation)


class PeeksAtTheTarget(Honest):
    def base(self, observation, options):
        base = super().base(observation, options)
        return base if observation.target is None else 0.9 * base + 0.1 * observation.target.mean(1)


class ReadsUndeclaredActions(Honest):
    def base(self, observation, options):
        push = 0.0 if observation.actions is None else 0.1 * observation.actions.mean((1, 2)).view(-1, 1, 1, 1)
        return super().base(observation, options) - push


class IgnoresItsActions(Honest):
    capabilities = replace(Honest.capabilities, actions=Actions(("x", "y"), ((-1, 1), (-1, 1))))


LIARS = {
    Overshoots: "predictions_are_well_formed",
    RetouchesKnownFrames: "known_frames_come_back_bit_for_bit",
    PeeksAtUnknownFrames: "unknown_frames_change_nothing",
    CleansInPlace: "the_observation_is_left_as_it_was",
    OneGeneratorForTheBatch: "a_seed_means_one_sample_alone_or_in_any_batch",
    DeafToSeeds: "seeds_matter_exactly_where_stochastic",
    SecretlyStochastic: "seeds_matter_exactly_where_stochastic",
    WarmAtZero: "temperature_0_ignores_seeds",
    CountsFromZero: "steps_count_up_to_the_prediction",
    StopsAtNothing: "cancelling_leaves_no_trace",
    LeavesItsDeskFull: "cancelling_leaves_no_trace",
    WearsOut: "what_is_prepared_predicts_again_and_again",
    KeepsGradientsOff: "cancelling_leaves_no_trace",
    TakesAnything: "what_capabilities_exclude_is_refused",
    PretendsToHaveThePrior: "priors_are_offered_as_declared",
    PeeksAtTheTarget: "the_target_is_read_only_on_request",
    ReadsUndeclaredActions: "actions_matter_exactly_where_declared",
    IgnoresItsActions: "actions_matter_exactly_where_declared",
}
