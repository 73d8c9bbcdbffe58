"""Options of the extra rows of a model (most likely, reference), and the actions of clips that it takes."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from vp.core.family import Family
from vp.core.options import Options
from vp.core.predictor import Predictor
from vp.core.video import Actions, Batch


def reference_row_options(family: Family, predictor: Predictor) -> dict[str, Options]:
    """Label -> options of the family's reference rows, shown beside the samples; a reference row may see the true future.

    Rows whose prior this model does not offer are left out.
    """
    refused = {name for name, reason in predictor.capabilities.priors.items() if reason is not None}
    wishes = {label: wish for label, wish in family.reference_rows.items() if wish.get("prior") not in refused}
    return {label: predictor.options_type.parse(wish) for label, wish in wishes.items()}


MOST_LIKELY = "most_likely"  # the row's label


def most_likely_options(predictor: Predictor, options: Options) -> Options | None:
    """The same options at temperature 0, where latents are their prior's mean.

    None for a deterministic model, for one without a temperature, and where the temperature is already 0.
    """
    if not predictor.capabilities.stochastic or not getattr(options, "temperature", 0):
        return None
    return replace(options, **{"temperature": 0.0})


def select_actions(clips: Batch, accepted: Actions | None) -> Tensor | None:
    """float32 (B, T, A), the actions of clips that a model takes; for a model that takes none the clips' own actions or None.

    Raises:
        ValueError: the clips lack the accepted actions, or have another number of them.
    """
    if accepted is None:
        return clips.actions
    vectors = clips.vectors(accepted.sources)
    accepted.check(vectors)
    return vectors
