"""Many visitors at once, over HTTP: a short form of benchmarks/load.py."""

import asyncio

import pytest

from benchmarks import load
from vp.ui import jobs
from vp.ui.handlers import stop_job
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


def test_stop_waits_for_the_last_step_and_keeps_nobody_waiting(run_coroutine):
    async def stop():
        job, order = jobs.Job(), []
        stopping = asyncio.create_task(stop_job(jobs.RUNNING.put(job)))
        stopping.add_done_callback(lambda _: order.append("stopped"))
        await asyncio.sleep(0.05)
        order.append("another" if job.stop.is_set() else "not told")
        job.ended.set()
        await stopping
        return order

    assert run_coroutine(stop()) == ["another", "stopped"]


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
