"""The page of results says what the committed evaluations say, and its tables are made anew from them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from vp import cli
from vp.result.results_page import fill_tables

ROOT = Path(__file__).resolve().parents[2]
PAGE, FOLDER = ROOT / "docs" / "results.md", ROOT / "docs" / "evaluations"


def test_the_page_says_what_the_evaluations_say():
    page = PAGE.read_text(encoding="utf-8")
    assert fill_tables(page, FOLDER) == page, "run `python -m vp results`"
    shown = {name for name, _ in re.findall(r"<!-- table: (\S+) (\w+) -->", page)}
    assert shown == {path.stem for path in FOLDER.glob("*.json")}, "an evaluation that no table shows"


@pytest.fixture
def made(tmp_path):
    metrics = {"psnr_db": {"best": 21.5, "mean": 20.25}, "ssim": {"best": 0.75, "mean": 0.75}}
    flat = {"metrics": {"psnr_db": {"best": 18.0, "mean": 18.0}}}
    result = {"checkpoint": "mine", "protocol": "folder:5+10", "clips": 4, "samples": 8, "sample_spread": 0.1, "metrics": metrics}
    result |= {"rows": {"most_likely": {**flat, "crps": 0.5}}, "baselines": {"flow": flat, "black": None}, "crps": 0.25}
    result |= {
        "split": "val",
        "recordings": 2,
        "published": {"theirs": {"psnr_db": 30.0, "note": "other clips", "source": "A 2020"}},
    }
    (tmp_path / "mine.json").write_text(json.dumps(result))
    page = tmp_path / "page.md"
    page.write_text("Before.\n\n<!-- table: mine scores -->\nold\n<!-- end -->\n\nAfter.\n")
    return page


def test_a_table_has_every_row_and_the_command(made, capsys):
    command = ["results", "--page", str(made), "--evaluations", str(made.parent)]
    assert cli.main([*command, "--check"]) == 2 and "differs" in capsys.readouterr().err
    assert cli.main(command) == 0 and cli.main([*command, "--check"]) == 0
    page = made.read_text()
    assert page.startswith("Before.\n\n<!-- table: mine scores -->\n| best / mean of 8 | PSNR (dB) |") and page.endswith(
        "\n\nAfter.\n"
    )
    assert "| `mine` | 21.50 / 20.25 |" in page and "| most likely (temperature 0) | 18.00 |" in page
    assert re.search(r"\| black \|(  \|)+", page) and "| theirs, as published | 30.00 |" in page
    assert "python -m vp evaluate mine --protocol folder:5+10 --data-root DIR --split val --samples 8" in page
    said = json.loads((made.parent / "mine.json").read_text())
    (made.parent / "mine.json").write_text(json.dumps(said | {"known": "0-2,12", "clips": 3}))
    assert cli.main(command) == 0 and "--split val --known 0-2,12 --clips 3 --samples 8" in made.read_text()


@pytest.mark.parametrize(
    ("mark", "says"), [("other scores", "other.json, which is not in"), ("mine colours", "give one of scores")]
)
def test_what_cannot_be_shown_is_said(made, mark, says):
    with pytest.raises(ValueError, match=says):
        fill_tables(f"<!-- table: {mark} -->\n<!-- end -->", made.parent)
