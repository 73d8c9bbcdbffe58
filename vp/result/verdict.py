"""Sentences on what a result is worth: how far its futures differ, and whether they beat the baselines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vp.metrics.ensemble import Ensemble

from .result import BY_HAND, PACE_SET, SEES_FUTURE, Result, lower_first_letter

ALIKE = 1.0  # grey levels apart: nobody sees it
ALIKE_SHARE = 0.2  # of the error to the truth: measured on futures that nobody could tell apart
AS_GOOD_DB = 0.1  # PSNR
LOOKED_AT = 128  # px of the longer side: of larger frames every second, third, ... pixel is compared


def make_verdict(result: Result) -> tuple[str, ...]:
    """Sentences on a finished result; () where nothing can be compared."""
    return tuple(filter(None, (describe_spread(result), compare_with_baselines(result))))


def describe_spread(result: Result) -> str:
    """One sentence on the mean difference between the samples, in grey levels of 0 to 255; "" for fewer than two samples."""
    samples, made = result.kind("sample"), ~result.known
    if len(samples) < 2 or not made.any():
        return ""
    every = -(-max(result.rows[0].frames.shape[1:3]) // LOOKED_AT)
    futures = torch.stack([subsample_pixels(result.rows[index].frames[made], every) for index in samples])[None]
    truth = subsample_pixels(result.frames("truth")[0][made], every)[None]
    compared = Ensemble.from_samples(futures, truth)
    judged = torch.from_numpy(result.scored[made])
    distance, beside, alike = float(compared.difference.mean()), "", False
    apart = f"differ by {distance:.1f} of 255 brightness levels"
    if judged.any():
        share = float(compared.difference[:, judged].mean() / compared.error[:, judged].mean().clamp_min(1e-6))
        beside, alike = f", {share:.0%} of how far they are from the truth", share < ALIKE_SHARE
    if alike or distance < ALIKE:
        return f"These {len(samples)} futures are nearly the same: they {apart}{beside}."
    return f"These {len(samples)} futures {apart}{beside}."


def subsample_pixels(frames: np.ndarray, every: int) -> Tensor:
    """uint8 (T, H, W, C) -> float32 (T, C, H / every, W / every) in grey levels, every `every`-th pixel."""
    return torch.from_numpy(np.moveaxis(frames[:, ::every, ::every], -1, 1).astype(np.float32))


def compare_with_baselines(result: Result) -> str:
    """One sentence on whether the model scores higher than copy-last and optical flow, by mean PSNR of the scored frames; ""
    where no comparison is possible."""
    baselines = result.kind("baseline")
    judged = result.kind("likely") or result.kind("sample")
    if "psnr_db" not in result.metrics or not baselines or not judged or not result.scored.any():
        return ""
    if SEES_FUTURE in sample_marks(result):
        return "These futures were drawn with the true future in hand: they are no prediction."
    mean = {index: float(np.nanmean(result.metrics["psnr_db"][index, result.scored])) for index in (*judged, *baselines)}
    best = max(baselines, key=lambda index: mean[index])
    ahead = sum(mean[index] for index in judged) / len(judged) - mean[best]
    who = "The most likely future" if result.kind("likely") else "This prediction"
    who = "The futures" if len(judged) > 1 else who
    who += "".join(f" ({mark})" for mark in (BY_HAND, PACE_SET) if mark in sample_marks(result))
    name, both = result.rows[best].label, len(baselines) > 1
    if abs(ahead) < AS_GOOD_DB:
        return f"{who}: as good as this baseline, within {AS_GOOD_DB:g} dB: {lower_first_letter(name)}."
    but = ssim_disagreement(result, judged, best, ahead)
    if ahead < 0:
        return f"{name} scores better here, by {-ahead:.1f} dB{but}."
    beaten = "both copying the last frame and optical flow" if both else lower_first_letter(name)
    return f"{who} beat{'' if len(judged) > 1 else 's'} {beaten}, by {ahead:.1f} dB{but}."


def ssim_disagreement(result: Result, judged: Sequence[int], baseline: int, ahead_db: float) -> str:
    """A clause to append where SSIM ranks model and baseline the other way round than PSNR; else "".

    Args:
        judged: row indices of the model.
        baseline: row index of the baseline.
        ahead_db: PSNR of the model minus that of the baseline.
    """
    if "ssim" not in result.metrics:
        return ""
    ours, theirs = (float(np.nanmean(result.metrics["ssim"][rows][:, result.scored])) for rows in (list(judged), [baseline]))
    return (
        f", but in SSIM it is behind, {min(ours, theirs):.3f} to {max(ours, theirs):.3f}"
        if (round(ours, 3) - round(theirs, 3)) * ahead_db < 0
        else ""
    )


def sample_marks(result: Result) -> set[str]:
    """The distinct marks of the samples."""
    return {result.rows[index].mark for index in result.kind("sample")}
