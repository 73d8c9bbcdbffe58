"""The app's models, loaded on first use, and the limits that their capabilities set for the controls."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from pathlib import Path

from vp.core.options import Choice, Slider
from vp.core.sentences import clip
from vp.core.video import Capabilities
from vp.prediction.checkpoint import FOLDER
from vp.prediction.model import Model, available, load

from .compute_thread import CHECK_THREAD
from .expiring_store import ExpiringStore

PREFERRED = "svg-lp-real"
KEPT = 4
ADAPTED: ExpiringStore[Model] = ExpiringStore(
    20,
    "adapted model",
    most_bytes=1_000_000_000,
    weigh=lambda model: model_bytes(model),  # defined below
)  # each its visitor's own
OWN = "adapted:"  # begins the names of these
MOST_FUTURES, MOST_PAST, MOST_FUTURE = 16, 20, 40


class Models:
    """The models in `folder` and the baselines, on one device; the KEPT used last stay loaded."""

    def __init__(self, device: str = "auto", folder: Path = FOLDER):
        self.device, self.folder = device, folder
        cards = available(folder)
        self.cards = {card.name: card for card in cards if not card.problem}
        self.problems = [self.without_folder(card.problem) for card in cards if card.problem]
        self.loaded: OrderedDict[str, Model] = OrderedDict()
        self.lock = threading.Lock()

    @property
    def default(self) -> str:
        """Name of the model that the page starts with."""
        return PREFERRED if PREFERRED in self.cards else next(iter(self.cards))

    def get(self, name: str) -> Model:
        """The model of a name, loaded where necessary; names that begin with OWN are of adapted models.

        Raises:
            ValueError: there is no such model, or its file cannot be read.
        """
        if name.startswith(OWN):
            return ADAPTED.get(name.removeprefix(OWN))
        if name not in self.cards:
            raise ValueError(f"there is no model {clip(name)!r}; models: {', '.join(self.cards)}")
        model = self.loaded.get(name) or CHECK_THREAD.call(self.fetch, name)
        with self.lock:
            self.loaded[name] = model
            self.loaded.move_to_end(name)
            while len(self.loaded) > KEPT:
                self.loaded.popitem(last=False)
        return model

    def without_folder(self, said: str) -> str:
        """What is said of a checkpoint, for visitors, whom the server's folders do not concern."""
        return said.replace(f"{self.folder}{os.sep}", "")

    def origin(self, name: str) -> str:
        """The name of the model that an adapted one was made from, or the default where that is unknown; other names are
        returned unchanged."""
        if not name.startswith(OWN):
            return name
        try:
            adapted = self.get(name).card.adapted
        except ValueError:  # no longer kept
            adapted = None
        found = adapted.origin if adapted else self.default
        return found if found in self.cards else self.default

    def fetch(self, name: str) -> Model:
        """Loads a model, in CHECK_THREAD, where requests wait for one another and the second finds it loaded."""
        try:
            model = self.loaded.get(name) or load(self.cards[name].path or name, self.device, folder=self.folder)
        except ValueError as error:
            raise ValueError(self.without_folder(str(error))) from error
        check_lengths(name, model)
        return self.loaded.setdefault(name, model)

    def first_usable(self) -> str:
        """The name of the default model, or of the next one that loads; those that fail are moved from `cards` to
        `problems`."""
        while True:
            name = self.default
            try:
                self.get(name)
                return name
            except ValueError as error:
                self.problems.append(self.without_folder(str(error)))
                del self.cards[name]


def split_priors(model: Model) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(label, name) of the priors that a model offers, and (label, reason) of those that it does not."""
    control = model.predictor.options_type.controls().get("prior")
    labels = control.values if isinstance(control, Choice) else {}
    offered, refused = [], []
    for name, reason in model.predictor.capabilities.priors.items():
        label = capitalise(labels.get(name, name))
        offered += [(label, name)] if reason is None else []
        refused += [(label, reason)] if reason is not None else []
    return offered, refused


def temperature_slider(model: Model) -> Slider | None:
    """The control of the temperature; None for deterministic models and those without one."""
    control = model.predictor.options_type.controls().get("temperature")
    return control if isinstance(control, Slider) and model.predictor.capabilities.stochastic else None


def length_bounds(capabilities: Capabilities) -> dict[str, tuple[int, int, int]]:
    """ "past" and "future" -> (least, most, default) number of frames, within the app's limits."""
    past_low, past_high = capabilities.n_past
    future_low, future_high = capabilities.n_future
    past_high, future_high = min(past_high or MOST_PAST, MOST_PAST), min(future_high or MOST_FUTURE, MOST_FUTURE)
    return {
        "past": (past_low, past_high, min(max(capabilities.trained_past or 5, past_low), past_high)),
        "future": (future_low, future_high, min(max(capabilities.trained_future or 10, future_low), future_high)),
    }


def model_bytes(model: Model) -> int:
    """About the bytes of a model: its weights, and once more in the predictor."""
    return 2 * sum(weight.nbytes for weight in model.weights.values())


def check_lengths(name: str, model: Model) -> None:
    """Raises ValueError where a model takes no number of frames that the page can show."""
    for low, high, _ in length_bounds(model.predictor.capabilities).values():
        if low > high:
            raise ValueError(f"{name} takes {low} frames or more and the page shows {high} at most; use the command line")


def capitalise(text: str) -> str:
    """The text with an upper-case first letter."""
    return text[:1].upper() + text[1:]
