"""Settings changed by name."""

import math

import pytest

from vp.models.ramvid.config import RamvidConfig
from vp.models.svg.config import Conditions, SVGConfig
from vp.training.overrides import with_overrides

START = SVGConfig()


@pytest.mark.parametrize(
    ("assignment", "read", "expected"),
    [
        ("objective.kl=cyclical", lambda c: c.objective.kl, "cyclical"),
        ("objective.kl_cycles=4", lambda c: c.objective.kl_cycles, 4),
        ("objective.beta=1e-3", lambda c: c.objective.beta, 1e-3),
        ("objective.teacher=inf", lambda c: c.objective.teacher, math.inf),
        ("objective.lengths=[[0, 6], [0.5, 9]]", lambda c: c.objective.lengths, ((0, 6), (0.5, 9))),
        ("last_frame_skip=true", lambda c: c.last_frame_skip, True),
        ('conditions={"size": 3, "sources": ["actions", "state"]}', lambda c: c.conditions, Conditions(3, ("actions", "state"))),
        ("conditions=none", lambda c: c.conditions, None),
    ],
)
def test_a_setting_is_changed_and_no_other(assignment, read, expected):
    changed = with_overrides(START, [assignment])
    assert read(changed) == expected and type(read(changed)) is type(expected)
    name = assignment.partition("=")[0]
    back = with_overrides(changed, [f"{name}={text}"]) if (text := default(name)) else changed
    assert not text or back == START


def default(name: str) -> str | None:
    """The default of a plain setting, as it would be written."""
    value = START
    for part in name.split("."):
        value = getattr(value, part)
    return str(value).lower() if isinstance(value, (str, int, float)) else None


def test_settings_apply_in_turn_and_reach_into_what_was_just_set():
    changed = with_overrides(START, ['conditions={"size": 3}', "conditions.width=8", "conditions.width=16"])
    assert changed.conditions == Conditions(3, width=16)


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("width", "give NAME=VALUE"),
        ("wdith=3", "there is no setting 'wdith'; beside it there are latent, backbone"),
        ("objective.bet=3", "there is no setting 'objective.bet'; beside it there are beta, kl"),
        ("width.x=3", "no setting 'width.x' here: what it lies in is 64"),
        ("conditions.width=8", "no setting 'conditions.width' here: what it lies in is None"),
        ("width=wide", "width is 'wide'; give a whole number"),
        ("width=1.5", "width is '1.5'; give a whole number"),
        ("objective.beta=much", "objective.beta is 'much'; give a number"),
        ("last_frame_skip=yes", "give true or false"),
        ("objective.lengths=8", "objective.lengths is '8'; give JSON"),
        ("objective.lengths=[8]", "objective.lengths is '\\[8\\]'; give JSON"),
        ("objective.lengths=[[0, 8", "objective.lengths is .* give JSON"),
        ("conditions=3", "conditions is '3'; give JSON"),
        ("objective.kl=linear", "kl is 'linear'; give one of log-ramp, none, monotonic, cyclical"),
    ],
)
def test_what_cannot_be_gets_one_sentence(assignment, says):
    with pytest.raises(ValueError, match=says):
        with_overrides(START, [assignment])


def test_a_mapping_is_given_as_json_and_checked():
    start = RamvidConfig()
    assert with_overrides(start, ['masks={"prefix": 0.5, "none": 0.5}']).masks == {"prefix": 0.5, "none": 0.5}
    with pytest.raises(ValueError, match="masks is .*JSON of its shape"):
        with_overrides(start, ['masks={"prefix": "half"}'])
