"""What every predictor promises: `CLAUSES[name](predictor)` raises AssertionError where one promise is broken."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from vp.core.predictor import Predictor, seed_grid
from vp.core.video import Observation, Prediction

CLIPS, SAMPLES, FUTURE = 3, 4, 3
TOLERANCE = 1e-4  # fp32, the same sample in batches of different shapes


def clips(predictor: Predictor, count: int = CLIPS) -> Tensor:
    """float32 (count, T, C, H, W): random clips as the predictor takes them."""
    able = predictor.capabilities
    length = past(predictor) + max(FUTURE, able.n_future[0])
    shape = (count, length, able.channels[0], able.size or 16, able.size or 16)
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def past(predictor: Predictor) -> int:
    return max(predictor.capabilities.n_past[0], 2)


def masks(predictor: Predictor) -> list[Tensor]:
    """The known prefix; where any frame may be known, a gap between known ends; where none need be, nothing."""
    length, n_past = clips(predictor, 1).shape[1], past(predictor)
    prefix = torch.arange(length) < n_past
    gap = [prefix.roll(1)] if predictor.capabilities.any_mask else []
    return [prefix, *gap, *([] if predictor.capabilities.n_past[0] else [torch.zeros_like(prefix)])]


def observe(frames: Tensor, known: Tensor, fill: float = float("nan"), **extra) -> Observation:
    """Some frames known, the others `fill`."""
    return Observation(frames.masked_fill(~known.view(1, -1, 1, 1, 1), fill), known, **extra)


def observations(predictor: Predictor) -> list[Observation]:
    return [observe(clips(predictor), known) for known in masks(predictor)]


def predict(predictor: Predictor, observation: Observation, seeds: Tensor | None = None, **options) -> Prediction:
    seeds = seed_grid(0, len(observation.frames), SAMPLES) if seeds is None else seeds
    return predictor.predict(observation, seeds, predictor.options_type.parse(options))


def gap(a: Tensor, b: Tensor) -> float:
    """Largest absolute difference; infinite where either is not finite."""
    return (a - b).abs().nan_to_num(nan=float("inf")).max().item()


def refusal(call) -> str:
    """The sentence of the ValueError that `call` must raise."""
    try:
        call()
    except ValueError as error:
        assert str(error) and "\n" not in str(error), f"a refusal is one sentence, not {str(error)!r}"
        return str(error)
    raise AssertionError("accepted what it must refuse")


def predictions_are_well_formed(predictor: Predictor) -> None:
    for observation in observations(predictor):
        got = predict(predictor, observation)
        batch, length, *picture = observation.frames.shape
        assert got.frames.shape == (batch, SAMPLES, length, *picture), got.frames.shape
        assert got.frames.dtype == torch.float32 and not got.frames.requires_grad
        assert got.frames.min() >= 0 and got.frames.max() <= 1, "frames outside [0, 1], or NaN"
        for name, trace in got.traces.items():
            assert trace.dtype == torch.float32 and trace.shape[:3] == (batch, SAMPLES, length), name
        for name, pictures in got.pictures.items():
            assert pictures.dtype == torch.float32 and pictures.shape[:2] == (batch, SAMPLES), name


def known_frames_come_back_bit_for_bit(predictor: Predictor) -> None:
    for observation in observations(predictor):
        given = observation.frames[:, None, observation.known].expand(-1, SAMPLES, -1, -1, -1, -1)
        assert torch.equal(predict(predictor, observation).frames[:, :, observation.known], given)


def unknown_frames_change_nothing(predictor: Predictor) -> None:
    for known in masks(predictor):
        blind, seeing = (predict(predictor, observe(clips(predictor), known, fill)) for fill in (float("nan"), 0.9))
        assert torch.equal(blind.frames, seeing.frames)


def the_observation_is_left_as_it_was(predictor: Predictor) -> None:
    for observation in observations(predictor):
        frames, known = observation.frames.clone(), observation.known.clone()
        predict(predictor, observation)
        assert torch.equal(observation.known, known)
        assert torch.equal(observation.frames.isnan(), frames.isnan()), "unknown frames were written to"
        assert torch.equal(observation.frames.nan_to_num(), frames.nan_to_num())


def a_seed_means_one_sample_alone_or_in_any_batch(predictor: Predictor) -> None:
    for known in masks(predictor):
        frames, seeds = clips(predictor), seed_grid(5, CLIPS, SAMPLES)
        torch.manual_seed(1)  # the global generator has no say
        together = predict(predictor, observe(frames, known), seeds).frames
        torch.manual_seed(2)
        alone = predict(predictor, observe(frames[1:2], known), seeds[1:2, 2:3]).frames
        assert gap(alone[0, 0], together[1, 2]) <= TOLERANCE
        turned = predict(predictor, observe(frames.flip(0), known), seeds.flip(0, 1)).frames
        assert gap(turned.flip(0, 1), together) <= TOLERANCE


def seeds_matter_exactly_where_stochastic(predictor: Predictor) -> None:
    for observation in observations(predictor):
        futures = predict(predictor, observation).frames
        for clip in futures:
            differs = gap(clip[0], clip[1]) > TOLERANCE
            assert differs == predictor.capabilities.stochastic, f"futures of two seeds differ by {gap(clip[0], clip[1])}"


def temperature_0_ignores_seeds(predictor: Predictor) -> None:
    if "temperature" not in predictor.options_type.controls():
        return
    for observation in observations(predictor):
        futures = predict(predictor, observation, temperature=0).frames
        assert gap(futures, futures[:, :1].expand_as(futures)) <= TOLERANCE


def steps_count_up_to_the_prediction(predictor: Predictor) -> None:
    for observation in observations(predictor):
        seeds = seed_grid(0, CLIPS, SAMPLES)
        *before, last = predictor.stream(observation, seeds)
        counts = [step.index for step in (*before, last)]
        assert counts == sorted(set(counts)) and counts[0] >= 1 and last.index == last.total, counts
        assert {step.total for step in before} <= {last.total}
        assert last.prediction is not None and all(step.prediction is None for step in before)
        for step in (*before, last):
            assert step.preview is None or step.preview.shape == last.prediction.frames.shape


def cancelling_leaves_no_trace(predictor: Predictor) -> None:
    for observation in observations(predictor):
        want = predict(predictor, observation).frames
        stream = predictor.stream(observation, seed_grid(9, CLIPS, SAMPLES))
        next(stream)
        modes = (torch.is_grad_enabled(), torch.is_inference_mode_enabled())
        assert modes == (True, False), "a paused stream leaves torch in another mode"
        try:
            stream.close()
        except RuntimeError as error:  # a generator that yields on after being closed; let it run out
            list(stream)
            raise AssertionError(f"closing does not stop the stream: {error}") from error
        assert gap(predict(predictor, observation).frames, want) <= TOLERANCE


def what_is_prepared_predicts_again_and_again(predictor: Predictor) -> None:
    for observation in observations(predictor):
        prepared = predictor.prepare(observation)
        for seeds in (seed_grid(seed, CLIPS, samples) for seed, samples in ((0, SAMPLES), (3, 1), (0, SAMPLES))):
            assert gap(prepared(seeds).frames, predict(predictor, observation, seeds).frames) <= TOLERANCE


def what_capabilities_exclude_is_refused(predictor: Predictor) -> None:
    able, frames, known = predictor.capabilities, clips(predictor), masks(predictor)[0]
    channels = next(count for count in (2, 4) if count not in able.channels)
    bad = [observe(frames[:, :, :1].repeat(1, 1, channels, 1, 1), known)]
    if able.n_past[0]:
        bad.append(observe(frames, torch.arange(len(known)) < able.n_past[0] - 1))
    if able.size is not None:
        bad.append(observe(frames[..., 1:], known))
    if not able.any_mask:
        bad.append(observe(frames, known.flip(0)))
    for observation in bad:
        refusal(lambda: predictor.check(observation))
        refusal(lambda: predict(predictor, observation))


def priors_are_offered_as_declared(predictor: Predictor) -> None:
    frames = clips(predictor)
    for name, reason in predictor.capabilities.priors.items():
        observation = observe(frames, masks(predictor)[0], target=frames)
        if reason is None:
            assert predict(predictor, observation, prior=name).frames.isfinite().all(), name
        elif predictor.capabilities.stochastic:  # one without a latent may take any prior for none
            refusal(lambda: predict(predictor, observation, prior=name))


def the_target_is_read_only_on_request(predictor: Predictor) -> None:
    for observation in observations(predictor):
        with_target = replace(observation, target=1 - clips(predictor))
        assert torch.equal(predict(predictor, with_target).frames, predict(predictor, observation).frames)


def actions_matter_exactly_where_declared(predictor: Predictor) -> None:
    declared = predictor.capabilities.actions
    for observation in observations(predictor):
        shape = (*observation.frames.shape[:2], len(declared.names) if declared else 2)
        still, moving = (replace(observation, actions=torch.full(shape, value)) for value in (0.0, 1.0))
        matter = gap(predict(predictor, still).frames, predict(predictor, moving).frames) > TOLERANCE
        assert matter == (declared is not None), "actions are " + ("ignored" if declared else "read, but not declared")


CLAUSES = {
    clause.__name__: clause
    for clause in (
        predictions_are_well_formed,
        known_frames_come_back_bit_for_bit,
        unknown_frames_change_nothing,
        the_observation_is_left_as_it_was,
        a_seed_means_one_sample_alone_or_in_any_batch,
        seeds_matter_exactly_where_stochastic,
        temperature_0_ignores_seeds,
        steps_count_up_to_the_prediction,
        cancelling_leaves_no_trace,
        what_is_prepared_predicts_again_and_again,
        what_capabilities_exclude_is_refused,
        priors_are_offered_as_declared,
        the_target_is_read_only_on_request,
        actions_matter_exactly_where_declared,
    )
}


def broken(predictor: Predictor) -> set[str]:
    """Names of the clauses that `predictor` breaks."""
    names = set()
    for name, clause in CLAUSES.items():
        try:
            clause(predictor)
        except AssertionError:
            names.add(name)
    return names
