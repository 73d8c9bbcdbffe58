"""`python -m vp info`."""

from __future__ import annotations

import argparse
from typing import Any

from .common import add_command, refuse_extra

EXAMPLES = {
    "info": """
  python -m vp info
  python -m vp info svg-lp-smmnist""",
}


def add_info(commands: Any) -> None:
    """Adds the command `info`."""
    p = add_command(commands, "info", "list models and recipes, or show one model's card", run_info, EXAMPLES["info"])
    p.add_argument("checkpoint", nargs="?")


def run_info(args: argparse.Namespace, extra: list[str]) -> dict:
    """Prints and returns all models and recipes, or returns the card of one model."""
    from ..catalog import FAMILIES
    from ..prediction.card import training_summary
    from ..prediction.model import available, card_of_file, find_checkpoint

    refuse_extra(args.parser, extra)
    if args.checkpoint:
        named = {card.name: card for card in available() if not card.problem}
        card = named.get(args.checkpoint) or card_of_file(find_checkpoint(args.checkpoint))
        if card.problem:
            raise ValueError(card.problem)
        return dict(card)
    cards = available()
    for card in cards:
        facts = [training_summary(card), f"weights: {card.licence}" if card.licence is not None else ""]
        known = "; ".join(filter(None, facts))
        print(f"{card.name:24} {card.problem or card.about}" + (f" ({known})" if known else ""))
    recipes = {r.name: r.about for family in FAMILIES.values() for r in family.recipes}
    print("\n".join(["recipes:", *(f"  {name:22} {about}" for name, about in recipes.items())]))
    return {"models": [card.name for card in cards], "recipes": list(recipes)}
