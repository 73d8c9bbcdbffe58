"""Scores a model on a protocol's clips, beside the baselines every table needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vp.core.options import Options
from vp.core.predictor import seed_grid
from vp.core.video import Batch
from vp.data import PROTOCOLS, find_protocol, law_of, protocol_clips, protocol_digits, read_test_set
from vp.metrics import CAP_DB

from ..prediction.known_frames import parse_mask
from ..prediction.rows import given_actions
from ..prediction.watch import observe
from .eval_rows import FLOW, MODEL, MOST_LIKELY, EvalRow, Key, action_rows, baseline_rows, bicubic_rows, model_rows
from .evaluate_windows import evaluate_windows, framing_for
from .pictures import score_pictures
from .reference_rows import REFERENCE_ROWS
from .scores import Scores, around_hit, gains, of_variant, to_lists
from .scoring import joined, score, tabled

CLIPS = 100  # where no number is given
FUTURES_AT_ONCE = 160  # clips times samples of a chunk, where `batch` is not given
RECORDING, VARIANT = "recording", "variant"  # extras int64 (clips,): clips of one recording, clips of one kind
TOGETHER = ("crps", "diversity", "spread_skill", "sample_spread")
VARIANT_ROWS = {MODEL: "model", ("rows", MOST_LIKELY): MOST_LIKELY, ("baselines", "copy_last"): "copy_last", FLOW: "flow"}


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
    batch: int | None = None,
    options: Options | Mapping[str, Any] | None = None,
    seed: int = 0,
    per_clip: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Best, mean and worst of `samples` futures of `clips` clips, for the model, its extra rows and the baselines.

    Args:
        model: what `vp.load` returns.
        protocol: a key of `vp.data.PROTOCOLS`, whose clips have one size; or NAME:PAST+FUTURE of any data set, such as
            folder:5+10. Of recordings two windows each are then scored, from the start and the middle (`vp.data.Windows`): the
            centre square where the model knows one size only, else whole frames; in colour where the model takes it.
        clips: how many; None: 100, or all of a test set, or all windows.
        samples: futures a clip; one is made where seeds change nothing.
        known: the frames given, such as '0-4' or '0,5,10' or 'none', instead of the protocol's first ones; filling in is scored
            beside copy_nearest and blend as well.
        split: "test", or "val" for clips to choose by; of windows any of `vp.data.SPLITS` that the data has, or "all".
        data_root: folder of the data set, or one that holds it or MNIST/raw; None: the environment variable VP_DATA.
        test_set: a file of official Moving MNIST sequences (see `read_test_set`) instead of clips of our own.
        short_side, stride, fps: of windows, see `vp.data.Framing`; short_side None: 128 px; ignored by a model of one size.
        batch: clips at once; None: as many as fit into memory, one or more. Seeds, and so the futures, do not depend on it.
        options: the predictor's options or a mapping of them, for the model's own row.
        per_clip: add `per_clip`, the model's scores of each clip, which `vp.evaluation.scores.paired` compares.
        progress: called with (clips done, clips in all), counted over all rows.

    Returns:
        A mapping ready for json.dumps, first what every protocol has, then what differs of windows. A row is what
        `vp.evaluation.scores.row_of` gives, and against_flow: itself minus the flow baseline, clip by clip
        (`vp.evaluation.scores.differences`), left out where flow cannot work.

        checkpoint, protocol, clips, samples, seconds; test_set, split, known: where they are not the usual ones.
        seconds_a_clip: of the model's own row, metrics included, which stands here with all its keys.
        psnr_cap_db: where the PSNR of a single frame ends.
        recordings: how many, where clips are told apart by them; intervals are then over recordings.
        rows: label -> row; most_likely (temperature 0) of a model that has a temperature, and the rows of its family.
        baselines: black, mean_image, copy_last and flow -> row, or None where one cannot work from the protocol's context.
        published: label -> other models' scores and their source (`vp.evaluation.reference_rows`), where there are any.
        variants: name -> row -> psnr_of_mean_mse_db, mse, ssim and crps of all samples, where the protocol's clips have variants.
        digits: for moving digits, source (MNIST or strokes, in words); under a published law sharpness_before_hit and _after_hit.
        pictures: for a model that shows pictures of its own, see `score_pictures`.
        actions: for a model that takes actions, what the true ones gain in dB; its rows are true, shuffled and zero actions.
        per_clip: where asked for.

        Of windows errors are means over pixels (pixel_mse, pixel_mae), PSNR ends at 50 dB, and intervals are over sources: what a
        data set's recordings are alike in, a person or a place. Baselines are copy_last, flow and flow_random; filling in,
        copy_last, copy_nearest, blend and flow_between.
        framing: size or short_side, channels, and stride or fps. recordings, and left_out: how many are too short or damaged.
        wins: in which share of the windows the most likely future is ahead of flow, and of the better of flow and copy_last
        (filling in: of flow_between and blend). sources: name -> windows and mean psnr_db of the rows that matter. There is no
        row of shuffled actions.

    Raises:
        ValueError: an unknown protocol or option, counts below 1, or clips that the model does not take.
    """
    began, plan = time.monotonic(), find_protocol(protocol)
    if min(count for count in (clips, samples, batch, 1) if count is not None) < 1:
        raise ValueError(f"clips is {clips}, samples {samples} and batch {batch}; give 1 or more of each")
    if not isinstance(options, Options):
        options = model.predictor.options_type.parse(options or {})
    mask = torch.arange(plan.length) < plan.n_past if known is None else torch.from_numpy(parse_mask(known, plan.length))
    if mask.all():
        raise ValueError(f"known is {known!r}, all {plan.length} frames; leave some to predict")
    if plan.size is None:
        if test_set is not None:
            raise ValueError(f"a test set came, and protocol {protocol!r} has none; leave it out")
        framing = framing_for(model.predictor.capabilities, short_side, stride, fps)
        result = evaluate_windows(
            model, plan, mask, options, clips=clips, samples=samples, split=split, data_root=data_root, framing=framing,
            seed=seed, batch=batch, per_clip=per_clip, progress=progress,
        )  # fmt: skip
        return {"checkpoint": model.name, "protocol": protocol, **result} | ({} if known is None else {"known": known})
    if (short_side, stride, fps) != (None, 1, None):
        raise ValueError(f"protocol {protocol!r} has frames of its own; leave out short side, stride and fps")
    data = clips_of(protocol, clips, split, data_root, test_set)
    takes_actions = model.predictor.capabilities.actions
    data = Batch(data.frames, given_actions(data, takes_actions), data.extras)
    probe = observe(data, slice(0, 1), mask, plan.scale)
    eval_rows = model_rows(model, options, probe, samples)
    eval_rows |= action_rows(eval_rows[MODEL], len(data.frames)) if takes_actions else {}
    eval_rows |= baseline_rows(plan.dataset, data_root, probe)
    eval_rows |= bicubic_rows(eval_rows[MODEL], plan.scale)
    scores, seconds = score_all(eval_rows, data, mask, plan.scale, seed, batch, progress)
    groups = data.extras[RECORDING].cpu() if RECORDING in data.extras else None
    rows, of_clips = tabled(scores, groups)
    result = {"checkpoint": model.name, "protocol": protocol, "clips": len(data.frames), "samples": samples}
    result |= {} if test_set is None else {"test_set": Path(test_set).name}
    result |= {} if split == "test" else {"split": split}
    result |= {} if groups is None else {"recordings": len(groups.unique())}
    result |= {"seconds": round(time.monotonic() - began, 2), "seconds_a_clip": round(seconds[MODEL] / len(data.frames), 4)}
    result |= {"psnr_cap_db": CAP_DB, **rows[MODEL]}
    if known is not None:
        result["known"] = known
    if "hits" in data.extras and probe.is_prefix:
        result["digits"] = {"source": protocol_digits(data_root, split)}
        law = law_of(plan.dataset)
        if law:
            lag = law.uncertain_after_hit or 0
            sharpness, hits = scores[MODEL].frames["sharpness"], data.extras["hits"].cpu()
            result["digits"] |= around_hit(sharpness, hits, probe.n_past, lag)
    pictures = score_pictures(model.predictor, options, data, mask, plan.scale)
    result |= {"pictures": pictures} if pictures else {}
    for kind in ("rows", "baselines"):
        result[kind] = {label: row for (of, label), row in rows.items() if of == kind}
    if takes_actions:
        result["rows"] = {"true actions": rows[MODEL], **result["rows"]}
        result["actions"] = gains(result)
    names = plan.variants
    if names and VARIANT in data.extras:
        result["variants"] = variants_of(names, data.extras[VARIANT].cpu(), scores)
    if known is None and split == "test" and protocol in REFERENCE_ROWS:
        result["published"] = REFERENCE_ROWS[protocol]
    if per_clip:
        result["per_clip"] = to_lists(of_clips[MODEL], groups)
    return result


def variants_of(names: Sequence[str], variant: Tensor, scores: Mapping[Key, Scores | None]) -> dict[str, Any]:
    """Of each variant that has clips: the model, its most likely future, copy_last and flow (see `of_variant`).

    Args:
        variant: int64 (clips,), indices into `names`.
    """
    there = {label: scores[key] for key, label in VARIANT_ROWS.items() if scores.get(key) is not None}
    return {
        name: {label: of_variant(row, variant == index) for label, row in there.items()}
        for index, name in enumerate(names)
        if (variant == index).any()
    }


def score_all(
    eval_rows: Mapping[Key, EvalRow | None],
    data: Batch,
    known: Tensor,
    scale: int,
    seed: int,
    batch: int | None,
    progress: Callable[[int, int], None] | None,
) -> tuple[dict[Key, Scores | None], dict[Key, float]]:
    """Every row's scores on the same clips, None stays None, and the seconds that took."""
    done, total = 0, len(data.frames) * sum(row is not None for row in eval_rows.values())
    scores: dict[Key, Scores | None] = {}
    seconds: dict[Key, float] = {}
    for key, row in eval_rows.items():
        began = time.monotonic()
        if row is None:
            scores[key] = None
            continue
        parts, seeds = [], seed_grid(seed, len(data.frames), row.samples)
        for part in score(row, data, known, scale, seeds, batch or max(1, FUTURES_AT_ONCE // row.samples)):
            parts.append(part)
            done += len(part.frames["ssim"])
            if progress:
                progress(done, total)
        scores[key] = joined(parts)
        seconds[key] = time.monotonic() - began
    return scores, seconds


def clips_of(protocol: str, clips: int | None, split: str, data_root: str | Path | None, test_set: str | Path | None) -> Batch:
    """The clips of a protocol, or the first sequences of a file that holds its official ones."""
    if split not in ("test", "val"):
        raise ValueError(f"split is {split!r}; give test, or val for clips to choose by")
    if test_set is not None and split != "test":
        raise ValueError(f"a test set came, and split {split!r}; leave one of them out")
    if test_set is None:
        return protocol_clips(protocol, CLIPS if clips is None else clips, data_root, split)
    plan = find_protocol(protocol)
    if plan.dataset != "mmnist":
        official = ", ".join(name for name, other in PROTOCOLS.items() if other.dataset == "mmnist")
        raise ValueError(f"a test set came, and protocol {protocol!r} has none; those with one: {official}")
    return read_test_set(test_set, clips, plan.length)


def headline(result: Mapping[str, Any]) -> dict[str, Any]:
    """What a model's card keeps of an evaluation: counts, the digits, best and mean of each metric, what is of all samples."""
    numbers = {name: {key: row[key] for key in ("best", "mean")} for name, row in result["metrics"].items()}
    kept = {"clips": result["clips"], "samples": result["samples"], **numbers}
    kept |= {name: result[name] for name in ("test_set", "split", "actions", *TOGETHER) if name in result}
    return kept | ({"digits": result["digits"]["source"]} if "digits" in result else {})
