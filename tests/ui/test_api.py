"""The public endpoint, through gradio_client."""

import json
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def client(app):
    from gradio_client import Client

    return Client(app, verbose=False, ssl_verify=False)  # else each call reads the system's certificates


def predict(client, clip, **changes):
    from gradio_client import handle_file

    wishes = {
        "model": "a-learned", "n_futures": 2, "prior": "learned", "n_past": 5, "n_future": 6, "temperature": 1.0,
        "seed": 0,
    }  # fmt: skip
    return client.predict(clip=handle_file(str(clip)), **(wishes | changes), api_name="/predict")


def test_it_returns_metrics_and_three_files(client, digit_video):
    record, mp4, gif, html = predict(client, digit_video, options="{}", known="0-4")
    assert record["samples"] == 2 and record["length"] == 11 and record["options"]["prior"] == "learned"
    assert set(record["metrics"]) == {"psnr_db", "ssim"} and len(record["metrics"]["ssim"]["values"][2]) == 11
    assert Path(mp4).read_bytes()[4:8] == b"ftyp" and Path(gif).read_bytes()[:4] == b"GIF8"
    assert Path(html).read_text().startswith("<!doctype html>")
    json.dumps(record, allow_nan=False)


def test_the_temperature_may_be_left_out(client, digit_video):
    from gradio_client import handle_file

    record, *_ = client.predict(handle_file(str(digit_video)), "a-learned", 1, n_future=2, api_name="/predict")
    assert record["samples"] == 1 and record["options"]["temperature"] == 1.0


def test_what_comes_after_the_end_has_no_truth(client, digit_video):
    record, *_ = predict(client, digit_video, start="end")
    assert record["has_truth"] == [1] * 5 + [0] * 6 and not record["metrics"]


def test_a_part_of_the_clip_is_predicted_from(client, digit_video):
    record, *_ = predict(client, digit_video, n_past=2, n_future=2, start="0.3s", every=2, region="0,0,48,48")
    assert record["source"].startswith("64x64, frames 3-9 of 14") and "every second frame" in record["source"]


def test_a_seed_reproduces_the_numbers(client, digit_video):
    first, again, other = (predict(client, digit_video, seed=s)[0]["metrics"] for s in (4, 4, 5))
    assert first == again != other


@pytest.mark.parametrize(
    "change, said",
    [
        ({"model": "nope"}, "there is no model 'nope'"),
        ({"model": "../x.safetensors"}, "there is no model"),
        ({"n_futures": 99}, "n_futures is 99"),
        ({"n_futures": 2.5}, "whole number"),
        ({"prior": "nope"}, "prior is 'nope'"),
        ({"temperature": 9}, "temperature is 9"),
        ({"seed": -1}, "seed is -1"),
        ({"n_past": 0}, "past frames is 0"),
        ({"n_past": 15}, "has 14 frames"),
        ({"start": "soon"}, "start is 'soon'"),
        ({"start": "-1s"}, "seconds such as '3.2s'"),
        ({"start": "nans"}, "seconds such as '3.2s'"),
        ({"start": "99s"}, "ends before second 99"),
        ({"start": "end", "known": "0-1"}, "they need frames to come"),
        ({"region": "0,0,9,9"}, "16 px wide and high or more"),
        ({"region": "x"}, "four numbers"),
        ({"every": 0}, "every is 0"),
        ({"n_future": 0}, "future frames is 0"),
        ({"known": "2-4"}, "not a prefix"),
        ({"known": "x"}, "frames counted from 0"),
        ({"options": "[1]"}, "give an object"),
        ({"options": "{"}, "not JSON"),
        ({"options": '{"nope": 1}'}, "no option nope"),
        ({"options": '{"temperature": "hot"}'}, "temperature"),
        ({"options": '{"prior": "fixed"}'}, "came twice"),
        ({"model": "b-deterministic", "prior": "learned"}, "deterministic"),
        ({"model": "flow", "prior": "learned"}, "no option prior"),
        ({"actions": "still"}, "this model takes none"),
        ({"beside": "[[1, 2], [3]]"}, "beside is no JSON list"),
    ],
)
def test_bad_wishes_are_refused_in_one_sentence(client, digit_video, change, said):
    with pytest.raises(Exception, match=said.replace("(", r"\(")) as refusal:
        predict(client, digit_video, **change)
    assert "\n" not in str(refusal.value) and "Traceback" not in str(refusal.value)


def test_only_the_one_endpoint_is_public(client):
    assert list(client.view_api(return_format="dict")["named_endpoints"]) == ["/predict"]
