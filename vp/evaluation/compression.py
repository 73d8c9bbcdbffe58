"""Predictive coding: the entropy of quantised residuals when each frame is predicted from the decoded past."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vp.core.predictor import Predictor, seed_grid
from vp.core.processes import ALONE, Processes
from vp.core.video import Batch, Observation
from vp.data import PROTOCOLS
from vp.metrics import psnr

from ..prediction.model import load
from ..prediction.rows import most_likely_options
from .evaluate_clips import load_clips
from .scores import to_json_number

PROTOCOL = "mmnist"  # its clips; the frames it gives are sent as they are and not counted
STEPS = (8, 16, 32, 64)  # grey levels from one value of a quantised residual to the next
CLIPS, CLIPS_AT_ONCE = 20, 50
OTHERS = ("copy-last", "flow")


def measure_compression(
    model: Any,
    clips: int | None = None,
    split: str = "test",
    *,
    data_root: str | Path | None = None,
    test_set: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    processes: Processes = ALONE,
) -> dict[str, Any]:
    """Bits per pixel and PSNR of clips whose frames are predicted one by one, with the residual quantised and sent.

    Encoder and decoder predict frame t from the frames decoded so far, so quantisation errors enter later predictions. Bits are
    the entropy of all residual values of a row (no context model, first frames not counted); PSNR is that of the decoded
    frames.

    Args:
        model: what `vp.load` returns; a temperature is set to 0.
        clips: None: 20, or all of the test set.
        split, data_root, test_set, progress, processes: as for `evaluate`.

    Returns:
        checkpoint, protocol, clips, seconds, and rows: predictor -> quantiser step in grey levels -> bits_per_pixel and
            psnr_db. Ready for json.dumps.

    Raises:
        ValueError: clips below 1, or clips that the model does not take.
    """
    began = time.monotonic()
    if clips is not None and clips < 1:
        raise ValueError(f"clips is {clips}; give 1 or more")
    data = load_clips(PROTOCOL, CLIPS if clips is None and test_set is None else clips, split, data_root, test_set)
    predictors = {model.name: model.predictor} | {name: load(name, "cpu", "fp32").predictor for name in OTHERS}
    pairs, mine = [(name, step) for name in predictors for step in STEPS], {}
    for number, (name, step) in enumerate(pairs):
        if processes.takes(number):
            mine[name, step] = rate_and_quality(predictors[name], data, step)
        if progress:
            progress(number + 1, len(pairs))
    found = {pair: numbers for its in processes.gather(mine) for pair, numbers in its.items()}
    rows = {name: {str(step): found[name, step] for step in STEPS} for name in predictors}
    head = {"checkpoint": model.name, "protocol": "compression", "clips": len(data.frames)}
    return head | {"seconds": round(time.monotonic() - began, 2), "rows": rows}


def rate_and_quality(predictor: Predictor, data: Batch, step: int) -> dict[str, float | None]:
    """bits_per_pixel and psnr_db of one predictor at one quantiser step, in grey levels of 0 to 255."""
    counts, quality = torch.zeros(1024, dtype=torch.int64), []
    for frames in data.to("cpu").frames.split(CLIPS_AT_ONCE):
        residuals, decoded = transmit(predictor, frames, step / 255)
        counts += torch.bincount(residuals.flatten() + 512, minlength=1024)
        quality.append(psnr(decoded, frames[:, -decoded.shape[1] :]))
    return {"bits_per_pixel": to_json_number(entropy(counts)), "psnr_db": to_json_number(torch.cat(quality).mean())}


def transmit(predictor: Predictor, frames: Tensor, step: float) -> tuple[Tensor, Tensor]:
    """Encodes and decodes clips, float32 (B, T, C, H, W) in [0, 1], frame by frame at a quantiser step in the same range.

    Returns:
        the quantised residuals int64 and the decoded frames float32, both (B, T - n_past, C, H, W).
    """
    n_past = PROTOCOLS[PROTOCOL].n_past
    decoded, residuals = frames[:, :n_past], []
    for t in range(n_past, frames.shape[1]):
        guess = predict_next_frame(predictor, decoded)
        residuals.append(((frames[:, t] - guess) / step).round().long())
        decoded = torch.cat([decoded, (guess + step * residuals[-1]).clamp(0, 1)[:, None]], 1)
    return torch.stack(residuals, 1), decoded[:, n_past:]


def predict_next_frame(predictor: Predictor, past: Tensor) -> Tensor:
    """The frame after `past` (B, T, C, H, W), float32 (B, C, H, W); at temperature 0 where the model has one."""
    observation = Observation.prefix(past, past.shape[1], past.shape[1] + 1)
    options = predictor.options_type()
    options = most_likely_options(predictor, options) or options
    return predictor.predict(observation, seed_grid(0, len(past), 1), options).frames[:, 0, -1].to(past)


def entropy(counts: Tensor) -> Tensor:
    """Shannon entropy in bits per symbol, from int64 counts of each symbol."""
    share = counts[counts > 0].double() / counts.sum()
    return -(share * share.log2()).sum()
