"""The models' names in the menu, and the line about the chosen one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from vp.data.domain import Domain
from vp.data.licence import UNSTATED
from vp.prediction.card import Card
from vp.prediction.domain import dataset_domains
from vp.prediction.model import Model

from .models import capitalise
from .suited import FAVOURITES

Cards = Mapping[str, Card]  # by name


def model_menu(cards: Cards) -> list[tuple[str, str]]:
    """(label, name) of all models: those for any clip first, then by kind of clip with its favourite ahead, baselines last.

    Labels of models for the same kind of clip also say how they are made, to tell them apart.
    """
    known = {name: widest_domain(card.datasets) for name, card in cards.items()}
    alike = Counter(domain.name for domain in known.values() if domain is not None)
    order = list(alike)

    def place(name: str) -> tuple[bool, bool, bool, int, bool]:
        domain = known[name]
        number = order.index(domain.name) if domain is not None else len(order)
        return is_baseline(cards[name]), domain is None, not (domain and domain.is_unrestricted), number, name not in FAVOURITES

    def label(name: str) -> str:
        card, domain = cards[name], known[name]
        if is_baseline(card):
            return f"{card.title or name} (baseline)"
        what = domain.name if domain is not None else card.title or "Model"
        how = card.about.split(",")[0] if alike[what] > 1 else ""
        return f"{', '.join(filter(None, [what, how]))} ({name})"

    return [(label(name), name) for name in sorted(cards, key=place)]


def widest_domain(datasets: Iterable[str]) -> Domain | None:
    """The domain of a model's training data; of several the most varied one, which the catalogue lists last; None for a
    baseline."""
    known = dataset_domains(datasets)
    return known[-1] if known else None


def is_baseline(card: Card) -> bool:
    """Whether the card is of a model without training data."""
    return not card.datasets


def describe_model(model: Model) -> str:
    """What a model is good for, its colour and size, how it is made and trained, and its weights' licence, all from its
    card."""
    card, capabilities = model.card, model.predictor.capabilities
    if not capabilities.dataset:
        return f"{model.family.title}: a baseline without training, for clips of any size, in colour."
    colour = "grey" if capabilities.channels == (1,) else "colour"
    size = f"{capabilities.size}x{capabilities.size}" if capabilities.size else "any size,"
    data = card.datasets or (capabilities.dataset,)
    domain = widest_domain(data)
    seen = f"clips like those of {join_words(data)}" if domain is None else domain.seen or "clips of any kind"
    about = capitalise(card.about or model.family.title).rstrip(".")
    lengths = f"{capabilities.trained_past} past and {capabilities.trained_future} future frames"
    made = f"{about}. Trained on {join_words(data)}, {lengths}. Weights: {card.licence or UNSTATED}."
    return f"Good for {seen}; {size} {colour}. {made}"


def join_words(names: Iterable[str]) -> str:
    """The names as a list in a sentence: a, b and c."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
