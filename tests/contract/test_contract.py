"""The contract holds for every family of the catalogue, and catches a liar for every clause."""

import dataclasses

import pytest

from vp.catalog import FAMILIES
from vp.models.svg.config import Conditions

from ..shaken import shaken_predictor
from .clauses import CLAUSES, broken
from .fakes import LIARS, Honest

ACTING = "svg with actions"


@pytest.fixture(scope="module", params=[*FAMILIES, ACTING])
def predictor(request):
    """A family's tiny model with every weight shaken, so that heads that start at zero say something too."""
    family = FAMILIES[request.param.partition(" ")[0]]
    config = family.tiny()
    if request.param == ACTING:
        config = dataclasses.replace(config, conditions=Conditions(3, width=8))
    return shaken_predictor(family, config)


@pytest.mark.parametrize("clause", CLAUSES)
def test_every_family_keeps_the_contract(predictor, clause):
    CLAUSES[clause](predictor)


def test_an_honest_predictor_breaks_no_clause():
    assert broken(Honest()) == set()


@pytest.mark.parametrize("liar", LIARS, ids=lambda liar: liar.__name__)
def test_a_liar_breaks_its_clause_and_no_other(liar):
    assert broken(liar()) == {LIARS[liar]}


def test_every_clause_has_a_liar():
    assert set(LIARS.values()) == set(CLAUSES)
