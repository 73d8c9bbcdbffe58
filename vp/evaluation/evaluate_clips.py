"""Scores a model on the clips of protocols with one frame size: moving digits, the push world, official test sets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from vp.core.options import Options
from vp.core.predictor import seed_grid
from vp.core.processes import Processes
from vp.core.video import Batch, Observation
from vp.data import PROTOCOLS, find_protocol, law_of, protocol_clips, protocol_digits, read_test_set
from vp.metrics import CAP_DB

from ..prediction.rows import select_actions
from ..prediction.watch import observe_clips
from .eval_rows import FLOW, MODEL, MOST_LIKELY, EvalRow, Key, action_rows, bicubic_rows, fixed_size_baselines, model_rows
from .pictures import score_pictures
from .published_rows import PUBLISHED_ROWS
from .scores import Scores, action_gains, sharpness_around_hit, summarise_variant, to_lists
from .scoring import Turns, add_seconds, join_scores, score_chunks, tabulate

CLIPS = 100  # where no number is given
FUTURES_AT_ONCE = 160  # clips times samples of a chunk, where `batch` is not given
RECORDING, VARIANT = "recording", "variant"  # extras int64 (clips,): clips of one recording, clips of one kind
VARIANT_ROWS = {MODEL: "model", ("rows", MOST_LIKELY): MOST_LIKELY, ("baselines", "copy_last"): "copy_last", FLOW: "flow"}


def evaluate_clips(
    model: Any,
    protocol: str,
    mask: Tensor,
    options: Options,
    *,
    clips: int | None,
    samples: int,
    known: str | None,
    split: str,
    data_root: str | Path | None,
    test_set: str | Path | None,
    seed: int,
    batch: int | None,
    per_clip: bool,
    progress: Callable[[int, int], None] | None,
    processes: Processes,
) -> dict[str, Any]:
    """What `evaluate` returns for such protocols, except checkpoint and protocol; other arguments as for `evaluate`.

    Args:
        mask: bool (T,), the known frames.
        known: their text, where they are not the protocol's.
    """
    began, spec, accepted = time.monotonic(), find_protocol(protocol), model.predictor.capabilities.actions
    data = load_clips(protocol, clips, split, data_root, test_set)
    data = Batch(data.frames, select_actions(data, accepted), data.extras)
    probe = observe_clips(data, slice(0, 1), mask, spec.scale)
    eval_rows = model_rows(model, options, probe, samples)
    eval_rows |= action_rows(eval_rows[MODEL], len(data.frames)) if accepted else {}
    eval_rows |= fixed_size_baselines(spec.dataset, data_root, probe)
    eval_rows |= bicubic_rows(eval_rows[MODEL], spec.scale)
    scores, seconds = score_all_rows(eval_rows, data, mask, spec.scale, seed, batch, progress, Turns(processes))
    groups = data.extras[RECORDING].cpu() if RECORDING in data.extras else None
    rows, of_clips = tabulate(scores, groups)
    result = {"clips": len(data.frames), "samples": samples}
    result |= {} if test_set is None else {"test_set": Path(test_set).name}
    result |= {} if split == "test" else {"split": split}
    result |= {} if groups is None else {"recordings": len(groups.unique())}
    result |= {"seconds": round(time.monotonic() - began, 2), "seconds_a_clip": round(seconds[MODEL] / len(data.frames), 4)}
    result |= {"psnr_cap_db": CAP_DB, **rows[MODEL]}
    result |= {} if known is None else {"known": known}
    if "hits" in data.extras and probe.is_prefix:
        result["digits"] = digit_scores(spec.dataset, protocol_digits(data_root, split), data, probe, scores[MODEL])
    pictures = score_pictures(model.predictor, options, data, mask, spec.scale)
    result |= {"pictures": pictures} if pictures else {}
    for kind in ("rows", "baselines"):
        result[kind] = {label: row for (of, label), row in rows.items() if of == kind}
    if accepted:
        result["rows"] = {"true actions": rows[MODEL], **result["rows"]}
        result["actions"] = action_gains(result)
    if spec.variants and VARIANT in data.extras:
        result["variants"] = variant_scores(spec.variants, data.extras[VARIANT].cpu(), scores)
    if known is None and split == "test" and protocol in PUBLISHED_ROWS:
        result["published"] = PUBLISHED_ROWS[protocol]
    return result | ({"per_clip": to_lists(of_clips[MODEL], groups)} if per_clip else {})


def digit_scores(dataset: str, source: str, data: Batch, probe: Observation, scores: Scores | None) -> dict[str, Any]:
    """The source of moving digits in words, and for published laws of motion the sharpness before and after a wall hit."""
    law = law_of(dataset)
    if not law or scores is None:
        return {"source": source}
    around = sharpness_around_hit(
        scores.frames["sharpness"], data.extras["hits"].cpu(), probe.n_past, law.uncertain_after_hit or 0
    )
    return {"source": source, **around}


def variant_scores(names: Sequence[str], variant: Tensor, scores: Mapping[Key, Scores | None]) -> dict[str, Any]:
    """Variant -> row -> scores (see `summarise_variant`) of the model, its most likely future, copy_last and flow.

    Args:
        names: of the variants; those without clips are left out.
        variant: int64 (clips,), indices into `names`.
        scores: of all clips.
    """
    there = {label: scores[key] for key, label in VARIANT_ROWS.items() if scores.get(key) is not None}
    return {
        name: {label: summarise_variant(row, variant == index) for label, row in there.items()}
        for index, name in enumerate(names)
        if (variant == index).any()
    }


def score_all_rows(
    eval_rows: Mapping[Key, EvalRow | None],
    data: Batch,
    known: Tensor,
    scale: int,
    seed: int,
    batch: int | None,
    progress: Callable[[int, int], None] | None,
    turns: Turns,
) -> tuple[dict[Key, Scores | None], dict[Key, float]]:
    """Scores every row on the same clips.

    Args:
        scale: see `observe_clips`.
        batch: clips at once, or None for as many as FUTURES_AT_ONCE allows.
        progress: called with (clips done, clips in all), counted over all rows.

    Returns:
        key -> scores, None for a row that is None; key -> seconds, of all processes together.
    """
    there = {key: row for key, row in eval_rows.items() if row is not None}
    clips, total = len(data.frames), len(data.frames) * len(there)
    parts: dict[Key, list[Scores | None]] = {key: [] for key in there}
    seconds: dict[Key, float] = {}
    for index, (key, row) in enumerate(there.items()):
        began, seeds = time.monotonic(), seed_grid(seed, clips, row.samples)
        at_once = batch or max(1, FUTURES_AT_ONCE // row.samples)
        for part in score_chunks(row, data, known, scale, seeds, at_once, turns=turns):
            parts[key].append(part)
            if progress:
                progress(index * clips + min(len(parts[key]) * at_once, clips), total)
        seconds[key] = time.monotonic() - began
    scores = {key: join_scores(its) for key, its in turns.gather(parts).items()}
    return {key: scores.get(key) for key in eval_rows}, add_seconds(turns.processes, seconds)


def load_clips(protocol: str, clips: int | None, split: str, data_root: str | Path | None, test_set: str | Path | None) -> Batch:
    """The clips of a protocol, or the first sequences of the file `test_set` with its official ones.

    Raises:
        ValueError: a split other than test and val, or a test set that split or protocol does not have.
    """
    if split not in ("test", "val"):
        raise ValueError(f"split is {split!r}; give test, or val for clips to choose by")
    if test_set is not None and split != "test":
        raise ValueError(f"a test set came, and split {split!r}; leave one of them out")
    if test_set is None:
        return protocol_clips(protocol, CLIPS if clips is None else clips, data_root, split)
    spec = find_protocol(protocol)
    if spec.dataset != "mmnist":
        official = ", ".join(name for name, other in PROTOCOLS.items() if other.dataset == "mmnist")
        raise ValueError(f"a test set came, and protocol {protocol!r} has none; those with one: {official}")
    return read_test_set(test_set, clips, spec.length)
