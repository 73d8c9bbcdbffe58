"""The README of a model on the Hub, made from its checkpoint's own card and from evaluations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..data import DATASETS
from ..data.licence import CREDIT, DIGITS, MIT, RESEARCH, UNSTATED
from ..hub.address import WEIGHTS
from ..hub.manifest import MANIFEST
from ..prediction.card import Card, training_summary
from ..prediction.model import Model
from ..result.results_page import KINDS as TABLES
from ..result.results_page import evaluate_command, to_markdown
from .front_matter import write_front_matter

# terms of weights -> the front matter that says so
LICENCES = {
    MIT: {"license": "mit"},
    CREDIT: {"license": "cc-by-4.0"},
    RESEARCH: {"license": "other", "license_name": "research-use-only"},
    UNSTATED: {"license": "other", "license_name": "not-stated"},
}
MNIST_ON_THE_HUB = "ylecun/mnist"
BLURS = "It gives one future. Where several are possible it shows their mean, which blurs; that is no measure of its certainty."
CHANCE = "Its futures are draws from what it has learned, too alike in places: how often they agree is no probability."


def model_card(model: Model, repo: str, file: str, evaluations: Sequence[Mapping[str, Any]]) -> str:
    """The README, Markdown with front matter.

    Args:
        model: as loaded from the checkpoint.
        repo: "owner/name" that it goes to.
        file: name of the checkpoint in it.
        evaluations: what `evaluate --json` wrote of this checkpoint.
    """
    card, address = model.card, f"hf://{repo}"
    about = f"{sentence(card.about or model.family.title)}\n\n{model.family.title}. {model.family.citation}"
    inside = f"`{file}` has the weights and, in its header, all that is said here; `{MANIFEST}` has the SHA-256 of each file."
    parts = [
        front_matter(model),
        f"# {file.removesuffix(WEIGHTS)}\n\n{about}",
        f"## How to load it\n\n{how_to_load(address)}",
        f"## Training data\n\n{training_data(card)}",
        f"## Results\n\n{results(card, evaluations, address)}",
        f"## What it is for, and what not\n\n{limits(model)}",
        f"## Files\n\n{inside}",
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def front_matter(model: Model) -> str:
    """The front matter: licence of the weights, what the model is, and data sets that are on the Hub."""
    card = model.card
    terms = LICENCES.get(card.licence or UNSTATED, LICENCES[UNSTATED])
    tags = ["video-prediction", model.family.name, *(["stochastic-video-generation"] if is_stochastic(model) else [])]
    more = {
        "library_name": "vp",
        "pipeline_tag": "video-to-video",
        "tags": tags,
        "datasets": [MNIST_ON_THE_HUB] * has_mnist(card),
    }
    return write_front_matter(terms | more)


def has_mnist(card: Card) -> bool:
    """Whether MNIST's digits were in the training data, as far as the card says."""
    runs = card.stored.get("lineage") or [card.stored]
    return any(uses_digits(run.get("data") or [card.dataset]) and run.get("digits") != "strokes" for run in runs)


def uses_digits(names: Iterable[str]) -> bool:
    """Whether one of the data sets shows digits of MNIST."""
    return any(name in DATASETS and DATASETS[name].licence is DIGITS for name in names)


def is_stochastic(model: Model) -> bool:
    """Whether different seeds give different futures."""
    return model.predictor.capabilities.stochastic


def how_to_load(address: str) -> str:
    """The commands, in a shell and in Python."""
    lines = [
        f"```bash\npython -m vp sample {address} my.mp4 --out out\n```\n",
        "```python\nfrom vp import load, sample\nfrom vp.data import read_clip\n",
        f'model = load("{address}")\nsample(model, read_clip("my.mp4"), n=8).save("out")\n```\n',
        "Add `@REVISION` to pin a commit or a tag.",
    ]
    return "\n".join(lines)


def training_data(card: Card) -> str:
    """Every data set that led to the weights with its licence, the weights' own, and how long was trained."""
    names = dict.fromkeys([*card.datasets, *(name for run in card.lineage for name in run.data)])
    known = {name: DATASETS[name].licence.data if name in DATASETS else "unknown here" for name in names}
    lines = [["data set", "licence and credit"], *([f"`{name}`", words] for name, words in known.items())]
    trained = training_summary(card)
    weights = f"Weights: {card.licence or UNSTATED}, the strictest terms of the data behind them."
    return f"{to_markdown(lines)}\n\n{weights}" + f" Training: {trained}." * bool(trained)


def results(card: Card, evaluations: Sequence[Mapping[str, Any]], address: str) -> str:
    """A table and the command that makes it again for every evaluation; of other protocols the numbers in the card."""
    parts = []
    for found in evaluations:
        lines, notes = TABLES["variants" if "variants" in found else "scores"](found)
        command = evaluate_command({**found, "checkpoint": address})
        title = f"### Protocol `{found['protocol']}`, {found['clips']} clips"
        parts.append("\n\n".join([title, to_markdown(lines), *(note.strip() for note in notes), f"```bash\n{command}\n```"]))
    evaluated = {found["protocol"] for found in evaluations}
    parts += [recorded(name, numbers, address) for name, numbers in card.metrics.items() if name not in evaluated]
    return "\n\n".join(parts) or "None were given."


def recorded(protocol: str, numbers: Any, address: str) -> str:
    """What the checkpoint's own card says of a protocol, as a list."""
    if not isinstance(numbers, Mapping):
        return f"### Protocol `{protocol}`\n\n{numbers}"
    counts = ", ".join(f"{name}: {value}" for name, value in numbers.items() if not isinstance(value, Mapping))
    scores = [f"- {name}: {best_and_mean(value)}" for name, value in numbers.items() if isinstance(value, Mapping)]
    command = f"```bash\npython -m vp evaluate {address} --protocol {protocol}"
    command += "".join(f" --{name} {numbers[name]}" for name in ("clips", "samples", "split") if name in numbers)
    head = f"### Protocol `{protocol}`, as the checkpoint's header has it" + f" ({counts})" * bool(counts)
    return "\n\n".join([head, *(["\n".join(scores)] if scores else []), f"{command}\n```"])


def best_and_mean(scores: Mapping[str, Any]) -> str:
    """The scores in words."""
    return ", ".join(f"{name} {value:.4g}" for name, value in scores.items() if isinstance(value, (int, float)))


def limits(model: Model) -> str:
    """What the model takes and has seen, and what must not be read into its futures."""
    able, card = model.predictor.capabilities, model.card
    size = f"{able.size}x{able.size} pixels" if able.size else "any size"
    colour = "grey" if able.channels == (1,) else "colour"
    lengths = f"trained with {able.trained_past} known frames and {able.trained_future} to predict"
    domains = [DATASETS[name].domain for name in card.datasets if name in DATASETS]
    seen = dict.fromkeys(domain.seen for domain in domains if domain is not None and domain.seen)
    what = f"It has seen {' and '.join(seen)}, and nothing else: other clips get poor futures." if seen else ""
    parts = [
        f"For looking at what may come next in a clip, and for comparing models: {size}, {colour}, {lengths}.",
        what,
        CHANCE if is_stochastic(model) else BLURS,
        "Futures are invented: not evidence of anything, and not to be decided by.",
    ]
    return " ".join(part for part in parts if part)


def sentence(text: str) -> str:
    """The text with a capital letter and one full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
