"""Summarises scores per clip, sample and frame, with confidence intervals that account for groups of clips."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vp.metrics import ERRORS, Ensemble, crps, diversity, psnr_of_mean_mse, sample_spread, spread_skill
from vp.metrics.interval import interval_half_width

CURVES = ("psnr_db", "ssim", "mse", "pixel_mse", "sharpness")  # shown frame by frame
PARTLY = ("psnr_touched_db",)  # NaN at frames, and clips, where there is nothing to score
COMPARED = ("psnr_db", "ssim", "mse", "pixel_mse")  # clip by clip, beside the CRPS
SQUARED = ("mse", "pixel_mse")  # one of them is there
DECIMALS = 6

PerClip = Mapping[str, Mapping[str, Tensor]]  # metric -> "best" or "mean" of the samples -> float64 (clips,)


@dataclass(frozen=True)
class Scores:
    """The scores of one row; all rows are of the same clips.

    Args:
        frames: metric -> float32 (clips, samples, predicted frames).
        ensemble: statistics of all samples together.
        pixels: C x H x W where errors are sums over a frame; 1 where they are means over pixels.
        one_future: seeds change nothing. One sample of a stochastic model says nothing about its spread.
    """

    frames: Mapping[str, Tensor]
    ensemble: Ensemble
    pixels: int
    one_future: bool = True


def summarise_row(scores: Scores, groups: Tensor | None = None) -> dict[str, Any]:
    """One row of an evaluation: `summarise_samples`, and the scores of all samples together.

    Args:
        groups: int64 (clips,), equal for clips of one recording; None: each clip is a group.

    Returns:
        what `summarise_samples` gives, psnr_of_mean_mse_db included, and crps with crps_ci95, diversity, spread_skill and
            sample_spread (see `vp.metrics.ensemble`), means over clips and frames.
    """
    ensemble = scores.ensemble
    of_clips = crps(ensemble).double().mean(1)
    known = scores.one_future or ensemble.n > 1
    spread = {
        "diversity": diversity(ensemble),
        "spread_skill": spread_skill(ensemble),
        "sample_spread": sample_spread(ensemble, scores.pixels).double().mean(),
    }
    row = summarise_samples(scores.frames, groups, scores.pixels)
    row |= {"crps": to_json_number(of_clips.mean()), "crps_ci95": to_json_number(interval_half_width(of_clips, groups))}
    return row | {name: to_json_number(value) if known else None for name, value in spread.items()}


def summarise_samples(scores: Mapping[str, Tensor], groups: Tensor | None = None, pixels: int | None = None) -> dict[str, Any]:
    """Best, mean and worst of the samples.

    The best sample of a clip is chosen for each metric separately, by its mean over the predicted frames: the protocol of SVG's
    figures and of the tables of SRVP and SLAMP. For sharpness the best is the sample nearest to 1, for errors the smallest.

    Args:
        scores: metric -> float (clips, samples, predicted frames).
        groups: int64 (clips,), equal for clips of one recording; None: each clip is a group.
        pixels: see `Scores`, for psnr_of_mean_mse_db; None leaves that out.

    Returns:
        {"metrics": {metric: {"best", "mean", "worst", "median", "ci95", "ci95_mean"}}, "per_frame": {metric: {"best": [...],
            "mean": [...]}}}; best, mean and worst are means over clips, median is that over clips of the samples' mean; ci95
            and ci95_mean are the half widths of the 95 % intervals of best and mean (see `interval_half_width`); what is
            undefined is None. psnr_of_mean_mse_db has the numbers of mse, or pixel_mse, in dB.
    """
    metrics, per_frame = {}, {}
    for name, of_frames in scores.items():
        of_frames, belong = of_frames.double(), groups
        of_clips = of_frames.mean(-1)
        if name in PARTLY:
            of_clips = of_frames.nanmean(-1)
            there = ~of_clips.isnan().any(1)
            of_clips, belong = of_clips[there], None if groups is None else groups[there]
        best, worst = best_and_worst(name, of_clips)
        clip = torch.arange(len(of_clips))
        chosen, mean = of_clips[clip, best], of_clips.mean(1)
        levels = {
            "best": chosen.mean(),
            "mean": of_clips.mean(),
            "worst": of_clips[clip, worst].mean(),
            "median": mean.quantile(0.5) if len(mean) else math.nan,
            "ci95": interval_half_width(chosen, belong),
            "ci95_mean": interval_half_width(mean, belong),
        }
        metrics[name] = {level: to_json_number(value) for level, value in levels.items()}
        if name in SQUARED and pixels:
            metrics["psnr_of_mean_mse_db"] = to_decibels(levels, pixels)
        if name in CURVES:
            curves = {"best": of_frames[clip, best].mean(0), "mean": of_frames.mean((0, 1))}
            per_frame[name] = {kind: [to_json_number(x) for x in curve] for kind, curve in curves.items()}
    return {"metrics": metrics, "per_frame": per_frame}


def best_and_worst(name: str, of_clips: Tensor) -> tuple[Tensor, Tensor]:
    """Indices of the best and of the worst sample of each clip by the metric `name`, both int64 (clips,).

    Args:
        of_clips: float (clips, samples).
    """
    rank = -(of_clips - 1).abs() if name == "sharpness" else -of_clips if name in ERRORS else of_clips
    return rank.argmax(1), rank.argmin(1)


def to_decibels(mse: Mapping[str, Any], pixels: int) -> dict[str, float | None]:
    """MSE levels of a row as PSNR of the mean error in dB; interval widths by first-order error propagation.

    Args:
        mse: "best", "mean", "worst", "median", "ci95", "ci95_mean" -> MSE summed over `pixels` values.
    """
    db = {level: psnr_of_mean_mse(torch.as_tensor(mse[level]) / pixels) for level in ("best", "mean", "worst", "median")}
    widths = {"ci95": "best", "ci95_mean": "mean"}
    db |= {width: 10 / math.log(10) * mse[width] / mse[level] for width, level in widths.items()}
    return {level: to_json_number(value) for level, value in db.items()}


def scores_per_clip(scores: Scores) -> PerClip:
    """Metric -> "best" and "mean" of each clip's samples; the CRPS, of all samples together, has "mean" only."""
    out = {}
    for name in (name for name in COMPARED if name in scores.frames):
        of_clips = scores.frames[name].double().mean(-1)
        best, _ = best_and_worst(name, of_clips)
        out[name] = {"best": of_clips[torch.arange(len(best)), best], "mean": of_clips.mean(1)}
    return out | {"crps": {"mean": crps(scores.ensemble).double().mean(1)}}


def paired_differences(ours: PerClip, theirs: PerClip, groups: Tensor | None) -> dict[str, Any]:
    """Ours minus theirs, paired by clip: metric -> "best" or "mean" -> mean difference, and ci95, the half width of its
    interval."""
    out: dict[str, Any] = {}
    for name, kinds in ours.items():
        apart = {kind: values - theirs[name][kind] for kind, values in kinds.items()}
        out[name] = {
            kind: {"difference": to_json_number(x.mean()), "ci95": to_json_number(interval_half_width(x, groups))}
            for kind, x in apart.items()
        }
    return out


def to_lists(clips: PerClip, groups: Tensor | None) -> dict[str, Any]:
    """Scores of each clip as JSON lists; with `groups` also `recording`, the group of each clip."""
    lists = {name: {kind: [to_json_number(x) for x in values] for kind, values in kinds.items()} for name, kinds in clips.items()}
    return lists if groups is None else {"recording": groups.tolist(), **lists}


SAME = ("protocol", "clips", "split", "test_set", "known", "digits", "framing")  # what two evaluations must share to be paired
GROUPED_BY = ("source", "recording")  # of clips; the first that is recorded groups those that are alike
WHERE = (*GROUPED_BY, "start")  # what is recorded of each clip beside its scores


def compare_evaluations(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """The difference of two evaluations, A minus B, paired by clip.

    Args:
        a, b: results of `evaluate` with `per_clip`, on the same clips.

    Returns:
        checkpoints (A, B), protocol, clips, samples (A, B), recordings or sources where clips have them, and differences:
            metric -> "best" or "mean" of the samples -> difference (A minus B), and ci95, the half width of its 95 % interval.
            Ready for json.dumps.

    Raises:
        ValueError: one of them lacks scores per clip, or they are of different clips.
    """
    for which, result in (("first", a), ("second", b)):
        if "per_clip" not in result:
            raise ValueError(f"the {which} evaluation has no scores of single clips; make it anew with --per-clip")
    for name in SAME:
        pair = [recorded_value(name, result) for result in (a, b)]
        if pair[0] != pair[1]:
            raise ValueError(f"{name} is {pair[0]!r} in one evaluation and {pair[1]!r} in the other; give two of the same clips")
    owners = [[result["per_clip"].get(name) for name in WHERE] for result in (a, b)]
    if owners[0] != owners[1]:
        raise ValueError("the clips are of different recordings in the two evaluations; give two of the same clips")
    kind, of_clips = next(((name, its) for name, its in zip(GROUPED_BY, owners[0]) if its is not None), ("", None))
    groups = None if of_clips is None else torch.tensor([list(dict.fromkeys(of_clips)).index(owner) for owner in of_clips])
    ours, theirs = (from_lists(result["per_clip"]) for result in (a, b))
    head = {"checkpoints": [a["checkpoint"], b["checkpoint"]], "protocol": a["protocol"], "clips": a["clips"]}
    head |= {"samples": [a["samples"], b["samples"]]}
    head |= {} if groups is None else {f"{kind}s": len(groups.unique())}
    return head | {"differences": paired_differences(ours, theirs, groups)}


def recorded_value(name: str, result: Mapping[str, Any]) -> Any:
    """The value of a setting in `SAME` that an evaluation records; a split that is not recorded is "test"."""
    if name == "digits":
        return result.get(name, {}).get("source")
    return result.get(name, "test" if name == "split" else None)


def from_lists(lists: Mapping[str, Any]) -> PerClip:
    """The reverse of `to_lists`, without the keys in WHERE; None becomes NaN."""

    def tensor(values: Sequence[float | None]) -> Tensor:
        return torch.tensor([math.nan if x is None else x for x in values], dtype=torch.float64)

    kept = {name: kinds for name, kinds in lists.items() if name not in WHERE}
    return {name: {kind: tensor(values) for kind, values in kinds.items()} for name, kinds in kept.items()}


def summarise_variant(scores: Scores, selected: Tensor) -> dict[str, float | None]:
    """psnr_of_mean_mse_db, mse, ssim and crps, means over samples, frames and the selected clips.

    Args:
        selected: bool (clips,).
    """
    mse, ssim = (scores.frames[name][selected].double().mean() for name in ("mse", "ssim"))
    levels = {"psnr_of_mean_mse_db": psnr_of_mean_mse(mse / scores.pixels), "mse": mse, "ssim": ssim}
    levels["crps"] = crps(scores.ensemble.select_clips(selected)).double().mean()
    return {name: to_json_number(value) for name, value in levels.items()}


def action_gains(result: Mapping[str, Any]) -> dict[str, float | None]:
    """The mean PSNR of all samples under the true actions minus that under others, in dB; prefix `touched_`: on pixels of
    touched objects.

    Args:
        result: an evaluation with the rows "true actions" and other "... actions".
    """
    others = {name.partition(" ")[0]: row for name, row in result["rows"].items() if name.endswith(" actions")}
    true, others = others.pop("true"), others | {"copy_last": result["baselines"]["copy_last"]}
    gained = {}
    for prefix, metric in (("", "psnr_db"), ("touched_", "psnr_touched_db")):
        for name, row in others.items():
            pair = [x["metrics"].get(metric, {}).get("mean") for x in (true, row)] if row else [None]
            gained[f"{prefix}true_over_{name}_db"] = None if None in pair else to_json_number(pair[0] - pair[1])
    return gained


def sharpness_around_hit(sharpness: Tensor, hits: Tensor, n_past: int, lag: int) -> dict[str, float | None]:
    """Mean sharpness of single samples before and after the first wall hit that the context does not determine.

    Args:
        sharpness: float (clips, samples, predicted frames).
        hits: bool (clips, T, digits), the frames at which a digit meets a wall.
        n_past: number of known frames.
        lag: frames from a hit to the first unpredictable frame.
    """
    hit = hits.any(-1)
    hit[:, : n_past - lag] = False
    seen = hit.cumsum(1)
    before = (seen == 0)[:, n_past:]
    after = (seen > hit)[:, n_past:]  # the frame of the first hit itself belongs to neither
    by_frame = sharpness.double().mean(1)
    means = {"sharpness_before_hit": by_frame[before].mean(), "sharpness_after_hit": by_frame[after].mean()}
    return {name: to_json_number(mean) for name, mean in means.items()}


def to_json_number(value: Tensor | float) -> float | None:
    """A float rounded to DECIMALS; None for NaN and infinities, which JSON does not have."""
    value = float(value)
    return round(value, DECIMALS) if math.isfinite(value) else None
