"""Sentences of the status line."""

import pytest

from vp.ui.status import to_sentence


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("the clip is gone", "The clip is gone."),
        ("seed, past: no numbers.", "Seed, past: no numbers."),
        ("svg-det-smmnist makes one future", "svg-det-smmnist makes one future."),
        ("film.mp4 is empty", "film.mp4 is empty."),
        ("3 predictions wait", "3 predictions wait."),
    ],
)
def test_a_sentence_begins_with_a_capital_letter_unless_a_name_comes_first(message, said):
    assert to_sentence(ValueError(message)) == said
