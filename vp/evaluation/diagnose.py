"""Measures whether the learned prior is uncertain where the future is: SVG's figure 6 (Denton and Fergus 2018) as one
number."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vp.core.predictor import seed_grid
from vp.core.video import Observation
from vp.data import PROTOCOLS, law_of, protocol_clips

from ..prediction.watch import observe_clips
from .scores import to_json_number

CLIPS_AT_ONCE, RESAMPLES = 50, 2000


def check_timing(model: Any, protocol: str) -> None:
    """Checks that `learned_prior_timing` can be measured, before anything is computed.

    Raises:
        ValueError: the model has no learned prior, or the protocol has no random wall hits.
    """
    reason = model.predictor.capabilities.priors.get("learned", "it draws no latent")
    if reason is not None:
        raise ValueError(f"{model.name} has no learned prior, so its timing cannot be measured: {reason}; leave out --timing")
    if protocol not in uncertainty_lags():
        raise ValueError(f"protocol is {protocol!r}; give one with random wall hits: {', '.join(uncertainty_lags())}")


def learned_prior_timing(model: Any, protocol: str, clips: int = 500, data_root: str | Path | None = None) -> dict[str, Any]:
    """Mean std of the learned prior at frames that cannot be foreseen, over that at all other frames.

    The model is fed the true frames, all but the last; the std is exp(logvar / 2) averaged over the dimensions of z.
    The uncertain frame is the one after a wall hit under SVG's law and the hit's own under SRVP's. Only frames after
    the protocol's context count: within it the prior does not yet know the velocities.

    Returns:
        checkpoint, protocol, clips, std_uncertain, std_elsewhere, ratio, and ratio_ci95: the interval of the ratio by
        2,000 bootstrap resamples of the clips. Ready for json.dumps.

    Raises:
        ValueError: the model has no learned prior, or nothing in the protocol's clips is uncertain.
    """
    check_timing(model, protocol)
    lags = uncertainty_lags()
    spec, data = PROTOCOLS[protocol], protocol_clips(protocol, clips, data_root)
    all_but_last = torch.arange(spec.length) < spec.length - 1
    std = mean_prior_std(model.predictor, [observe_clips(data, part, all_but_last) for part in clip_slices(clips)])
    uncertain = uncertain_frames(data.extras["hits"].cpu(), lags[protocol])
    timing = contrast_std(std[:, spec.n_past :], uncertain[:, spec.n_past :])
    return {"checkpoint": model.name, "protocol": protocol, "clips": clips, **timing}


def uncertainty_lags() -> dict[str, int]:
    """Protocol -> number of frames from a wall hit to the first unpredictable frame, for moving digits with random bounces."""
    laws = {name: law_of(spec.dataset) for name, spec in PROTOCOLS.items() if law_of(spec.dataset)}
    return {name: law.uncertain_after_hit for name, law in laws.items() if law.uncertain_after_hit is not None}


def clip_slices(clips: int) -> list[slice]:
    """Slices of CLIPS_AT_ONCE clips that cover `clips` clips."""
    return [slice(start, start + CLIPS_AT_ONCE) for start in range(0, clips, CLIPS_AT_ONCE)]


def mean_prior_std(predictor: Any, observations: list[Observation]) -> Tensor:
    """float64 (clips, T): the std of the learned prior at each frame, averaged over the dimensions of z."""
    options = predictor.options_type.parse({"prior": "learned"})
    traces = [predictor.predict(o, seed_grid(0, len(o.frames), 1), options).traces["prior_std"] for o in observations]
    return torch.cat(traces)[:, 0].double().mean(-1)


def uncertain_frames(hits: Tensor, lag: int) -> Tensor:
    """bool (clips, T): the frames that come `lag` frames after a wall hit of any digit.

    Args:
        hits: bool (clips, T, digits).
    """
    hit = hits.any(-1)
    return torch.cat([torch.zeros_like(hit[:, :lag]), hit[:, : hit.shape[1] - lag]], 1)


def contrast_std(std: Tensor, uncertain: Tensor) -> Mapping[str, Any]:
    """Mean `std` (clips, frames) at frames that are `uncertain` and at all others, their ratio, and its bootstrap interval
    over clips."""
    parts = [std * uncertain, uncertain, std * ~uncertain, ~uncertain]
    sums = torch.stack([part.double().sum(1) for part in parts], 1)  # (clips, 4)
    drawn = torch.randint(len(sums), (RESAMPLES, len(sums)), generator=torch.Generator().manual_seed(0))
    ratios = std_ratio(sums[drawn].sum(1))
    low, high = ratios[ratios.isfinite()].quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    total = sums.sum(0)
    return {
        "std_uncertain": to_json_number(total[0] / total[1]),
        "std_elsewhere": to_json_number(total[2] / total[3]),
        "ratio": to_json_number(std_ratio(total)),
        "ratio_ci95": [to_json_number(low), to_json_number(high)],
    }


def std_ratio(sums: Tensor) -> Tensor:
    """Mean std at uncertain frames over that elsewhere.

    Args:
        sums: (..., 4): sum of std and number of frames where uncertain, then the same elsewhere.
    """
    inside, inside_count, outside, outside_count = sums.unbind(-1)
    return (inside / inside_count) / (outside / outside_count)
