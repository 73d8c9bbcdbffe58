"""What a model is shown beside the frames: the actions that it takes, and the extra rows of its family (an oracle, say)."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from vp.core.family import Family
from vp.core.options import Options
from vp.core.predictor import Predictor
from vp.core.video import Actions, Batch


def reference_rows(family: Family, predictor: Predictor) -> dict[str, Options]:
    """The family's reference rows, label -> options of predictions to show beside the samples; a row may see the true future.

    Rows whose prior this model does not offer are left out.
    """
    refused = {name for name, reason in predictor.capabilities.priors.items() if reason is not None}
    wishes = {label: wish for label, wish in family.reference_rows.items() if wish.get("prior") not in refused}
    return {label: predictor.options_type.parse(wish) for label, wish in wishes.items()}


MOST_LIKELY = "most_likely"  # the row's label


def most_likely(predictor: Predictor, options: Options) -> Options | None:
    """The same options at temperature 0, where latents are the mean of their prior; None for a model with one future or without a
    temperature, and where the temperature is 0 already."""
    if not predictor.capabilities.stochastic or not getattr(options, "temperature", 0):
        return None
    return replace(options, **{"temperature": 0.0})


def given_actions(clips: Batch, wanted: Actions | None) -> Tensor | None:
    """The numbers (B, T, A) of clips that a model wants; a model that wants none gets the clips' actions all the same.

    Raises:
        ValueError: the clips lack them, or have another number of them.
    """
    if wanted is None:
        return clips.actions
    vectors = clips.vectors(wanted.sources)
    wanted.check(vectors)
    return vectors
