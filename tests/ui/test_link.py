"""Links whose parts cannot be used."""

import pytest

from vp.ui.link import read_link
from vp.ui.models import Models


@pytest.fixture(scope="module")
def models(checkpoints):
    return Models("cpu", checkpoints)


def test_a_usable_prior_and_temperature_are_taken(models):
    query = {"model": "a-learned", "prior": "fixed", "temperature": "0.5"}
    settings, refused = read_link(models, query, "example:digits-2")
    assert (settings.prior, settings.temperature, refused) == ("fixed", 0.5, [])


@pytest.mark.parametrize(
    "model, wrong, said",
    [
        ("a-learned", {"prior": "magic"}, "The link's prior is 'magic'; this model takes one of learned, "),
        ("b-deterministic", {"prior": "learned"}, "The link's prior is 'learned'; this model takes none."),
        ("a-learned", {"temperature": "nan"}, "The link's temperature is 'nan'; this model takes 0 to 2."),
        ("a-learned", {"temperature": "hot"}, "The link's temperature is 'hot'; this model takes 0 to 2."),
        ("a-learned", {"temperature": "1e99"}, "The link's temperature is '1e99'; this model takes 0 to 2."),
    ],
)
def test_chance_that_cannot_be_used_is_said_and_the_usual_is_kept(models, model, wrong, said):
    settings, (refused,) = read_link(models, {"model": model, **wrong}, "example:digits-2")
    usual, _ = read_link(models, {"model": model}, "example:digits-2")
    assert refused.startswith(said) and settings == usual


def test_a_temperature_is_of_no_interest_to_a_model_without_chance(models):
    assert read_link(models, {"model": "b-deterministic", "temperature": "1"}, "example:digits-2")[1] == []


def test_what_was_chosen_for_a_model_that_is_not_here_is_left_out_with_it(models):
    query = {"model": "nope", "prior": "posterior", "past": "3", "n": "2", "seed": "7"}
    settings, (refused,) = read_link(models, query, "example:digits-2")
    usual, _ = read_link(models, {"n": "2", "seed": "7", "model": settings.model}, "example:digits-2")
    assert (
        settings == usual
        and refused == "The link asks for the model 'nope', which is not here, so that its prior, past are left out."
    )
