"""Does the part that gives a checkpoint its name do the work? Its output is replaced by the mean, and all else is kept.

    python -m benchmarks.ablation svg-lp-smmnist --protocol smmnist-svg --clips 50
    python -m benchmarks.ablation runs/convlstm/best.safetensors --protocol mmnist --clips 100

Wherever the part is called its output is averaged over all clips and futures that are predicted together, at every place, channel
and step for itself: it says what is usual, and nothing of the clip at hand. Error (MSE summed over the pixels of a frame; for a
learned prior the CRPS of its samples, an absolute error a pixel) is printed with the part and without it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from vp.core.runtime import Runtime, keep_big_buffers
from vp.core.tree import map_tensors
from vp.engine.evaluate import evaluate
from vp.engine.model import load_on

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
        return "recurrent network", "mse", layers
    if name == "svg-motion" and predictor.cfg.latent == "learned":
        return "learned prior", "crps", [predictor.network.latent.prior_heads]
    if name == "svg-motion":
        return "recurrent network", "mse", [predictor.network.fine, predictor.network.coarse]
    if name == "fusion":
        return "3D U-Net", "mse", [predictor.networks["predictor"].trunk]
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
        model: what `vp.engine.load` returns, on a runtime that records nothing.
        protocol: a key of `vp.data.PROTOCOLS`.
        clips: how many.
        samples: futures a clip, of models that draw them.
        options: further arguments of `vp.engine.evaluate.evaluate`.

    Raises:
        ValueError: the model has no such part, or that part is never called.
    """
    words, error, modules = parts(model)
    wish = {"clips": clips, "samples": samples, "batch": min(clips, 50), **options}
    kept = evaluate(model, protocol, **wish)
    with averaged(modules) as calls:
        without = evaluate(model, protocol, **wish)
    if max(calls, default=0) < 2:
        raise ValueError(f"the {words} of {model.name} was not called with two clips or more; give more --clips")
    before, after = (row["crps"] if error == "crps" else row["metrics"]["mse"]["mean"] for row in (kept, without))
    growth = after / before - 1
    return {
        "checkpoint": model.name, "protocol": protocol, "clips": clips, "samples": samples, "part": words, "error": error,
        "with": before, "without": after, "growth": round(growth, 4), "enough": growth >= ENOUGH,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", nargs="+", help="names or paths")
    parser.add_argument("--protocol", required=True)
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--split", default="test", choices=("test", "val"))
    parser.add_argument("--data-root")
    parser.add_argument("--test-set")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    keep_big_buffers()
    torch.set_grad_enabled(False)
    places = {"split": args.split, "data_root": args.data_root, "test_set": args.test_set}
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
