"""Many visitors at once, over HTTP: a short form of benchmarks/load.py."""

import pytest

from benchmarks import load
from vp.ui.limits import Limits

LEASE_S = 2.0


@pytest.fixture(scope="module")
def site():
    with load.serve(Limits(per_address=4, lease_s=LEASE_S), 0.05) as served:
        yield served


def test_one_address_that_asks_for_much_stops_nobody(site, run_coroutine):
    found = run_coroutine(load.flood(site, 12))
    crowd = found["crowd"]
    assert found["other"] == "complete" and set(crowd) == {"complete", "error"} and sum(crowd.values()) == 12


def test_of_calls_that_named_no_session_nothing_is_kept(site, run_coroutine):
    async def ask():
        async with load.visitors(site, 900, 1) as (visitor,):
            return (await visitor.ask(77))[0], (await visitor.ask(78, 99))[0]

    before = len(site.sessions)
    assert run_coroutine(ask()) == ("complete", "error") and len(site.sessions) == before


def test_nobody_is_refused_or_gets_the_answer_of_another(site, run_coroutine):
    found = run_coroutine(load.visits(site, 4, 0.1))
    assert found["answers"] == {"complete": 4} and found["crossed"] == 0


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("way", load.WAYS)
def test_who_leaves_frees_the_device_within_a_step(site, run_coroutine, way, waits):
    found = run_coroutine(load.leaving(site, way, waits, LEASE_S))
    assert found["holds"], found
