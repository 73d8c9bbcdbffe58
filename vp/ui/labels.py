"""What a visitor reads of the models: names in the menu, and one line on the one chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from vp.data.domain import Domain
from vp.data.licence import UNSTATED
from vp.prediction.domain import domains, trained_on
from vp.prediction.model import Model

from .models import sentence
from .suited import FAVOURITES

Cards = Mapping[str, Mapping[str, Any]]  # name -> card


def menu(cards: Cards) -> list[tuple[str, str]]:
    """(label, name) of all models: what takes any clip first, then each kind of clip with its favourite ahead, baselines last.

    What models of one kind have in common does not tell them apart, so those say how they are made too.
    """
    known = {name: widest(card) for name, card in cards.items()}
    alike = Counter(domain.name for domain in known.values() if domain is not None)
    order = list(alike)

    def place(name: str) -> tuple[bool, bool, bool, int, bool]:
        domain = known[name]
        number = order.index(domain.name) if domain is not None else len(order)
        return is_baseline(cards[name]), domain is None, not (domain and domain.is_unrestricted), number, name not in FAVOURITES

    def label(name: str) -> str:
        card, domain = cards[name], known[name]
        if is_baseline(card):
            return f"{card.get('title') or name} (baseline)"
        what = domain.name if domain is not None else card.get("title") or "Model"
        how = card.get("about", "").split(",")[0] if alike[what] > 1 else ""
        return f"{', '.join(filter(None, [what, how]))} ({name})"

    return [(label(name), name) for name in sorted(cards, key=place)]


def widest(card: Mapping[str, Any]) -> Domain | None:
    """What a model's data show, of several the one that varies most, which the catalogue names last."""
    known = domains(trained_on(card))
    return known[-1] if known else None


def is_baseline(card: Mapping[str, Any]) -> bool:
    return not trained_on(card)


def describe(model: Model) -> str:
    """What a model is good for, in which colour and size; how it is made, and its weights' terms. All from its card."""
    card, capabilities = model.card, model.predictor.capabilities
    if not capabilities.dataset:
        return f"{model.family.title}: a baseline without training, for clips of any size, in colour."
    colour = "grey" if capabilities.channels == (1,) else "colour"
    size = f"{capabilities.size}x{capabilities.size}" if capabilities.size else "any size,"
    data = trained_on(card) or (capabilities.dataset,)
    domain = widest({"data": data})
    seen = f"clips like those of {spoken(data)}" if domain is None else domain.seen or "clips of any kind"
    about = sentence(card.get("about") or model.family.title).rstrip(".")
    lengths = f"{capabilities.trained_past} past and {capabilities.trained_future} future frames"
    made = f"{about}. Trained on {spoken(data)}, {lengths}. Weights: {card.get('licence', UNSTATED)}."
    return f"Good for {seen}; {size} {colour}. {made}"


def spoken(names: Iterable[str]) -> str:
    """As in a sentence: a, b and c."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
