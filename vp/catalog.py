"""The list of all model families; no other file imports them all."""

from __future__ import annotations

from .core.family import Family, Recipe
from .models import baselines, fusion, ramvid, svg, svg_motion, vpn
from .models.ramvid import motion as ramvid_motion

FAMILIES: dict[str, Family] = {
    "svg": svg.FAMILY,
    "svg-motion": svg_motion.FAMILY,
    "ramvid": ramvid.FAMILY,
    "ramvid-motion": ramvid_motion.FAMILY,
    "vpn": vpn.FAMILY,
    "fusion": fusion.FAMILY,
    "copy-last": baselines.COPY_LAST,
    "flow": baselines.FLOW,
    "flow-random": baselines.FLOW_RANDOM,
    "copy-nearest": baselines.COPY_NEAREST,
    "blend": baselines.BLEND,
    "flow-between": baselines.FLOW_BETWEEN,
}


def find_recipe(name: str) -> tuple[Family, Recipe]:
    """The recipe called `name` and its family.

    Raises:
        ValueError: no such recipe; the sentence lists those there are.
    """
    found = {r.name: (family, r) for family in FAMILIES.values() for r in family.recipes}
    if name not in found:
        raise ValueError(f"there is no recipe {name!r}; recipes: {', '.join(found)}")
    return found[name]
