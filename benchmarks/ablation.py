"""Does the part that gives a checkpoint its name do the work? Its output is replaced by the mean, and all else is kept.

    python -m benchmarks.ablation svg-lp-smmnist --protocol smmnist-svg --clips 50
    python -m benchmarks.ablation runs/convlstm/best.safetensors --protocol mmnist --clips 100
    python -m benchmarks.ablation runs/svg-lp-real/best.safetensors --protocol real128:5+10 --data-root DIR --split dev
    python -m benchmarks.ablation runs/ramvid-real/best.safetensors --protocol real128:5+10 --data-root DIR --known 0-2,12-14

Wherever the part is called its output is averaged over all clips and futures that are predicted together, at every place, channel
and step for itself: it says what is usual, and nothing of the clip at hand. Error (MSE summed over the pixels of a frame; for a
learned prior the CRPS of its samples, an absolute error a pixel) is printed with the part and without it. Recordings are cut to
squares, so that windows of many of them are predicted together.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from vp.core.cpu_fast import keep_big_buffers
from vp.core.predictor import seed_grid
from vp.core.runtime import Runtime
from vp.core.tree import map_tensors
from vp.core.video import Batch
from vp.data import PROTOCOLS, Windows, find_protocol, open_dataset
from vp.evaluation.eval_rows import MODEL, model_rows
from vp.evaluation.evaluate import evaluate
from vp.evaluation.evaluate_windows import choose_framing
from vp.evaluation.scores import summarise_row
from vp.evaluation.scoring import join_scores, score_chunks
from vp.metrics import METRICS_ANY_SIZE
from vp.prediction.known_frames import parse_mask
from vp.prediction.model import load_on
from vp.prediction.watch import observe_clips

SIDE, AT_ONCE = 128, 16  # of recordings: px of the squares, and how many are predicted together
ENOUGH = 0.2  # by how much of itself an error must grow without the part


def parts(model: Any) -> tuple[str, str, list[nn.Module]]:
    """Of a loaded model: what the part is called, the error it must lower ('mse' or 'crps'), and its modules.

    Raises:
        ValueError: the model is a baseline, which has no parts.
    """
    predictor, name = model.predictor, model.family.name
    if name == "vpn":
        net = predictor.network
        modules = {
            "convlstm": ("ConvLSTM layers", ("read_first", "read_second", "write_second", "write_first")),
            "lstm": ("LSTMs", ("encoder", "decoder")),
            "simvp": ("translator", ("last",)),
        }
        words, names = modules[predictor.cfg.network]
        return words, "mse", [getattr(net, part) for part in names]
    if name == "svg" and predictor.cfg.latent == "learned":
        net = predictor.network
        return "learned prior", "crps", [net.prior_head if predictor.cfg.backbone == "compact" else net.prior_lstm]
    if name == "svg":
        net = predictor.network
        layers = [net.scene, net.motion] if predictor.cfg.backbone == "compact" else [net.frame_predictor]
        return "recurrent network", "mse" if predictor.cfg.latent == "none" else "crps", layers
    if name == "svg-motion" and predictor.cfg.latent == "learned":
        return "learned prior", "crps", [predictor.network.latent.prior_heads]
    if name == "svg-motion":
        return "recurrent network", "pixel_mse", [predictor.network.fine, predictor.network.coarse]
    if name == "fusion":
        return "3D U-Net", "mse", [predictor.networks["predictor"].trunk]
    if name == "ramvid-motion":
        return "denoiser", "pixel_mse", [predictor.network.clean]
    if name == "ramvid":
        net = predictor.denoiser
        layers = [net.scene, net.motion, net.later] if predictor.cfg.network == "compact" else [net]
        return "denoiser", "mse", layers
    raise ValueError(f"{model.name} is of the family {name!r}, which has no part to replace; give a trained checkpoint")


def mean_over_rows(tree: Any) -> Any:
    """Tensors (B, ...) in nested tuples, each row the mean of all rows."""
    return map_tensors(lambda x: x.float().mean(0, keepdim=True).to(x.dtype).expand_as(x), tree)


@contextmanager
def averaged(modules: list[nn.Module]) -> Iterator[list[int]]:
    """While it lasts the modules give the mean of their outputs over the rows of a call; a list of the rows of every call."""
    calls: list[int] = []

    def mean(module: nn.Module, given: Any, output: Any) -> Any:
        first = output
        while not isinstance(first, Tensor):
            first = first[0]
        calls.append(len(first))
        return mean_over_rows(output)

    handles = [module.register_forward_hook(mean) for module in modules]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def ablate(model: Any, protocol: str, clips: int, samples: int, **options: Any) -> dict[str, Any]:
    """Both errors on the same clips and seeds.

    Args:
        model: what `vp.load` returns, on a runtime that records nothing.
        protocol: as `evaluate` takes it.
        clips: how many.
        samples: futures a clip, of models that draw them.
        options: split, data_root, test_set and known, as `evaluate` takes them.

    Raises:
        ValueError: the model has no such part, or that part is never called.
    """
    words, error, modules = parts(model)
    scored = partial(of_recordings if protocol not in PROTOCOLS else of_clips, model, protocol, clips, samples, **options)
    kept = scored()
    with averaged(modules) as calls:
        without = scored()
    if max(calls, default=0) < 2:
        raise ValueError(f"the {words} of {model.name} was not called with two clips or more; give more --clips")
    before, after = (row["crps"] if error == "crps" else row["metrics"][error]["mean"] for row in (kept, without))
    growth = after / before - 1
    return {
        "checkpoint": model.name, "protocol": protocol, "clips": clips, "samples": samples, "part": words, "error": error,
        "with": before, "without": after, "growth": round(growth, 4), "enough": growth >= ENOUGH,
    }  # fmt: skip


def of_clips(model: Any, protocol: str, clips: int, samples: int, **options: Any) -> dict[str, Any]:
    """The model's row under a protocol of one size."""
    return evaluate(model, protocol, clips=clips, samples=samples, batch=min(clips, 50), **options)


def of_recordings(
    model: Any, protocol: str, clips: int, samples: int, *, split: str, data_root: str | None = None,
    known: str | None = None, **others: Any,
) -> dict[str, Any]:  # fmt: skip
    """The model's row on windows of recordings cut to squares, as many of them at once as are asked for, up to AT_ONCE."""
    plan = find_protocol(protocol)
    capabilities = model.predictor.capabilities
    framing = replace(choose_framing(capabilities, None, 1, None), size=capabilities.size or SIDE, short_side=None)
    source = open_dataset(plan.dataset, split, data_root, framing=framing)
    parts = [part for _, part in Windows(source, plan.length, clips)]
    frames = torch.cat([part.frames for part in parts])
    mask = torch.arange(plan.length) < plan.n_past if known is None else torch.from_numpy(parse_mask(known, plan.length))
    batch = Batch(frames)
    row = model_rows(model, model.predictor.options_type(), observe_clips(batch, slice(0, 1), mask), samples)[MODEL]
    seeds = seed_grid(0, len(frames), row.samples)
    return summarise_row(
        join_scores(list(score_chunks(row, batch, mask, 1, seeds, min(len(frames), AT_ONCE), METRICS_ANY_SIZE))), None
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", nargs="+", help="names or paths")
    parser.add_argument("--protocol", required=True)
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--split", default="test")
    parser.add_argument("--known", metavar="FRAMES", help="as `vp evaluate` takes them")
    parser.add_argument("--data-root")
    parser.add_argument("--test-set")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    keep_big_buffers()
    torch.set_grad_enabled(False)
    places = {"split": args.split, "data_root": args.data_root, "test_set": args.test_set, "known": args.known}
    for name in args.checkpoint:
        try:
            runtime = replace(Runtime.pick(args.device), recorder=None)  # a recorded call would be replayed past the hooks
            row = ablate(load_on(runtime, name), args.protocol, args.clips, args.samples, **places)
        except ValueError as error:
            parser.error(str(error))
        kept, without = (f"{row[key]:.4g}" for key in ("with", "without"))
        print(f"{name}: {row['error']} {kept}, without its {row['part']} {without} ({row['growth']:+.0%})")
        print(json.dumps(row))


if __name__ == "__main__":
    main()
