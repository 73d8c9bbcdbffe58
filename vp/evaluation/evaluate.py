"""Scores a model on a protocol's clips, with baselines.

`evaluate` returns a mapping ready for json.dumps. A row is what `vp.evaluation.scores.summarise_row` gives, and against_flow:
itself minus the flow baseline, paired by clip (`vp.evaluation.scores.paired_differences`), left out where flow cannot work.

Keys of every protocol:
checkpoint, protocol, clips, samples, seconds; test_set, split, known: where they are not the defaults.
seconds_a_clip: of the model's own row, metrics included. All keys of that row stand at the top level.
psnr_cap_db: the largest PSNR of a single frame.
recordings: their number, where clips belong to recordings; intervals are then over recordings.
rows: label -> row; most_likely (temperature 0) of a model that has a temperature, and the reference rows of its family.
baselines: black, mean_image, copy_last and flow -> row, or None where one cannot work from the protocol's context.
published: label -> other models' scores and their source (`vp.evaluation.published_rows`), where there are any.
variants: name -> row -> psnr_of_mean_mse_db, mse, ssim and crps of all samples, where the protocol's clips have variants.
digits: for moving digits, source (MNIST or strokes, in words); under a published law sharpness_before_hit and _after_hit.
pictures: for a model that shows intermediate pictures, see `score_pictures`.
actions: for a model that takes actions, the gain of the true ones in dB; its rows are true, shuffled and zero actions.
per_clip: where asked for.

For windows of recordings errors are means over pixels (pixel_mse, pixel_mae), PSNR is capped at 50 dB, and intervals are over
sources: groups of recordings, such as one person or one scene. Baselines are copy_last, flow and flow_random; for filling in,
copy_last, copy_nearest, blend and flow_between. There is no row of shuffled actions. Further keys:
framing: size or short_side, channels, and stride or fps. recordings, and left_out: how many are too short or damaged.
wins: the share of windows in which the most likely future is ahead of flow, and of the better of flow and copy_last (for
filling in: of flow_between and blend). sources: name -> windows and mean psnr_db of the main rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from vp.core.options import Options
from vp.core.processes import ALONE, Processes
from vp.data import Protocol, find_protocol

from ..prediction.known_frames import parse_mask
from .evaluate_clips import evaluate_clips
from .evaluate_windows import choose_framing, evaluate_windows

TOGETHER = ("crps", "diversity", "spread_skill", "sample_spread")


def evaluate(
    model: Any,
    protocol: str,
    clips: int | None = None,
    samples: int = 20,
    *,
    known: str | None = None,
    split: str = "test",
    data_root: str | Path | None = None,
    test_set: str | Path | None = None,
    short_side: int | None = None,
    stride: int = 1,
    fps: float | None = None,
    axes: str = "",
    batch: int | None = None,
    options: Options | Mapping[str, Any] | None = None,
    seed: int = 0,
    per_clip: bool = False,
    progress: Callable[[int, int], None] | None = None,
    processes: Processes = ALONE,
) -> dict[str, Any]:
    """Scores `samples` futures of `clips` clips, of a model and the rows beside it; the module says what is returned.

    Args:
        model: what `vp.load` returns.
        protocol: a key of `vp.data.PROTOCOLS`, whose clips have one size; or NAME:PAST+FUTURE of any data set (folder:5+10), for
            two `Windows` of each recording: centre squares for a model of one size, else whole; in colour where it takes that.
        clips: how many; None: 100, or all of a test set, or all windows.
        samples: futures per clip; one where seeds change nothing.
        known: the known frames, such as '0-4' or '0,5,10' or 'none', instead of the protocol's; filling in has more baselines.
        split: "test", or "val" for model selection; of windows any of `vp.data.SPLITS` that the data has, or "all".
        data_root, axes: see `open_dataset`.
        test_set: a file of official Moving MNIST sequences (see `read_test_set`) instead of our own clips.
        short_side, stride, fps: of windows, see `vp.data.Framing`; short_side None: 128 px; ignored by a model of one size.
        batch: clips at once; None: as many as fit into memory, one or more. Seeds, and so the futures, do not depend on it.
        options: the predictor's options or a mapping of them, for the model's own row.
        per_clip: add `per_clip`, the model's scores of each clip, for `compare_evaluations`.
        progress: called with (clips done, clips in all), counted over all rows.
        processes: that share the work; all return the numbers of one, but for the seconds.

    Raises:
        ValueError: an unknown protocol or option, counts below 1, or clips that the model does not take.
    """
    spec = find_protocol(protocol)
    if min(count for count in (clips, samples, batch, 1) if count is not None) < 1:
        raise ValueError(f"clips is {clips}, samples {samples} and batch {batch}; give 1 or more of each")
    options = options if isinstance(options, Options) else model.predictor.options_type.parse(options or {})
    mask = given_frames_mask(spec, known)
    shared: dict[str, Any] = {
        "clips": clips, "samples": samples, "split": split, "data_root": data_root, "seed": seed, "batch": batch,
        "per_clip": per_clip, "progress": progress, "processes": processes,
    }  # fmt: skip
    check_framing(spec, protocol, test_set, (short_side, stride, fps), axes)
    if spec.size is None:
        framing = choose_framing(model.predictor.capabilities, short_side, stride, fps)
        result = evaluate_windows(model, spec, mask, options, framing=framing, axes=axes, **shared)
        result |= {} if known is None else {"known": known}
    else:
        result = evaluate_clips(model, protocol, mask, options, known=known, test_set=test_set, **shared)
    return {"checkpoint": model.name, "protocol": protocol, **result}


def check_framing(spec: Protocol, protocol: str, test_set: Any, framing: tuple[int | None, int, float | None], axes: str) -> None:
    """Refuses a test set for a protocol of any data set, and framing or axes for one whose frames have a size of their own.

    Args:
        framing: (short_side, stride, fps).

    Raises:
        ValueError: one of them came all the same.
    """
    if spec.size is None and test_set is not None:
        raise ValueError(f"a test set came, and protocol {protocol!r} has none; leave it out")
    if spec.size is not None and framing != (None, 1, None):
        raise ValueError(f"protocol {protocol!r} has frames of its own; leave out short side, stride and fps")
    if spec.size is not None and axes:
        raise ValueError(f"protocol {protocol!r} has frames of its own; leave out axes")


def given_frames_mask(spec: Protocol, known: str | None) -> torch.Tensor:
    """bool (T,), the known frames: the protocol's first ones, or those of the text `known`.

    Raises:
        ValueError: all frames are known, or the text is no mask.
    """
    mask = torch.arange(spec.length) < spec.n_past if known is None else torch.from_numpy(parse_mask(known, spec.length))
    if mask.all():
        raise ValueError(f"known is {known!r}, all {spec.length} frames; leave some to predict")
    return mask


def headline_numbers(result: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an evaluation that a checkpoint's card stores: counts, best and mean of each metric, and the scores of all
    samples together."""
    numbers = {name: {key: row[key] for key in ("best", "mean")} for name, row in result["metrics"].items()}
    kept = {"clips": result["clips"], "samples": result["samples"], **numbers}
    kept |= {name: result[name] for name in ("test_set", "split", "actions", *TOGETHER) if name in result}
    return kept | ({"digits": result["digits"]["source"]} if "digits" in result else {})
