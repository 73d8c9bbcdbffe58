"""The extra rows of a family (an oracle, say) that one of its models can show."""

from __future__ import annotations

from vp.core.family import Family
from vp.core.options import Options
from vp.core.predictor import Predictor


def extra_rows(family: Family, predictor: Predictor) -> dict[str, Options]:
    """Label -> options, without the rows whose prior this model does not offer; they may read `Observation.target`."""
    refused = {name for name, reason in predictor.abilities.priors.items() if reason is not None}
    wishes = {label: wish for label, wish in family.rows.items() if wish.get("prior") not in refused}
    return {label: predictor.options_type.parse(wish) for label, wish in wishes.items()}
