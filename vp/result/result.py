"""Result: the one record of a finished (or growing) prediction.

The player, the offline page, `metrics.json`, the API and comparisons read only this: a versioned JSON without NaN or
infinity, and PNG sheets that hold every frame losslessly.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .file_set import FORMAT, FileSet, check_no_foreign_files
from .sprite_sheet import Layout, decode_image, encode_jpeg, encode_png, is_photograph, pack_rows, unpack_row

VERSION = 1
MARKER, SHEETS = "result.json", ("sheet-*.png", "sheet-*.jpg")
MEASURES = {
    "psnr_db": {"label": "PSNR", "unit": "dB"},
    "ssim": {"label": "SSIM", "unit": ""},
}
TRACES = {
    "prior_mean": {"label": "What the prior expects (size of its mean)", "unit": ""},
    "prior_std": {"label": "How unsure the prior is (std)", "unit": ""},
    "posterior_mean": {"label": "What the posterior says (size of its mean)", "unit": ""},
    "posterior_std": {"label": "How unsure the posterior is (std)", "unit": ""},
    "pace": {"label": "Pace (1: as usual)", "unit": ""},
    "kl": {"label": "What the truth adds to the prior (KL)", "unit": "nats"},
}
KINDS = (
    "truth", "likely", "baseline", "reference", "best", "mean", "uncertainty", "sample", "plan", "picture", "picture_truth",
    "other",
)  # fmt: skip
SEES_FUTURE, BY_HAND, ORACLE, PACE_SET = "sees the future", "edited by hand", "chosen with the truth", "pace set by hand"


@dataclass(frozen=True)
class Row:
    """One row of a result: a clip with a label.

    Args:
        kind: one of `KINDS`; the player chooses tint and position by it.
        label: the visible name.
        frames: uint8 (T, H, W, C), C 1 or 3; rows that share one array are stored once in the sprite sheets.
        note: one short sentence that says what this row is.
        seed: the seed of its noise, or None.
        pending: only its known frames exist so far (previews).
        mark: what distinguishes it from a plain prediction, shown wherever it is: SEES_FUTURE, BY_HAND, ORACLE,
            PACE_SET, or "".
    """

    kind: str
    label: str
    frames: np.ndarray
    note: str = ""
    seed: int | None = None
    pending: bool = False
    mark: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"row kind is {self.kind!r}; give one of {', '.join(KINDS)}")
        if self.frames.dtype != np.uint8 or self.frames.ndim != 4 or self.frames.shape[-1] not in (1, 3):
            raise ValueError(f"row frames are {self.frames.dtype} {self.frames.shape}; give uint8 (T, H, W, 1 or 3)")


@dataclass(frozen=True)
class Result:
    """A prediction with its truth, baselines and scores.

    Args:
        rows: all of one shape (T, H, W, C).
        known: bool (T,), the frames the model was given.
        has_truth: bool (T,), the frames the clip has.
        fps: frames per second for playing.
        metrics: name in `MEASURES` -> float (rows, T), NaN where a row or frame has no score.
        traces: name -> float (rows, T), the model's own statistics, such as the prior's std; NaN where there are none.
        events: (frame, label) pairs, such as wall hits, where the clip's source knows them.
        model: name, title, family and data set of the model.
        options: the sampling options used.
        seed: from which the samples' seeds are derived.
        notes: sentences for the reader, such as a conversion or an unfamiliar clip.
        ready: bool (T,), frames made so far; None once finished.
        seconds: duration of the prediction.
        verdict: sentences of `result.verdict.make_verdict`.
        source: which frames of the clip these are, in one line.
        ensemble: what `result.ensemble_facts` says of the samples together.
        other: of a comparison "model", "options", "seed" and "samples" of B, whose rows are of kind "other"; else {}.
    """

    rows: tuple[Row, ...]
    known: np.ndarray
    has_truth: np.ndarray
    fps: float
    metrics: Mapping[str, np.ndarray] = field(default_factory=dict)
    traces: Mapping[str, np.ndarray] = field(default_factory=dict)
    events: tuple[tuple[int, str], ...] = ()
    model: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    notes: tuple[str, ...] = ()
    ready: np.ndarray | None = None
    seconds: float = 0.0
    verdict: tuple[str, ...] = ()
    source: str = ""
    ensemble: Mapping[str, Any] = field(default_factory=dict)
    other: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.rows or len({row.frames.shape for row in self.rows}) != 1:
            raise ValueError("a result needs one or more rows of one shape")
        shape = (len(self.rows), len(self.known))
        for name, values in {**self.metrics, **self.traces}.items():
            if values.shape != shape:
                raise ValueError(f"{name} is {values.shape}; give one number per row and frame, {shape}")

    @property
    def scored(self) -> np.ndarray:
        """bool (T,): predicted frames that have a truth."""
        return self.has_truth & ~self.known

    def kind(self, name: str) -> list[int]:
        """Indices of the rows of one kind, one of `KINDS`."""
        return [index for index, row in enumerate(self.rows) if row.kind == name]

    def frames(self, kind: str) -> np.ndarray:
        """uint8 (rows of that kind, T, H, W, C)."""
        picked = [self.rows[index].frames for index in self.kind(kind)]
        return np.stack(picked) if picked else np.zeros((0, *self.rows[0].frames.shape), np.uint8)

    def summary(self, name: str) -> dict[str, Any] | None:
        """Best, mean and worst sample by a metric's mean over scored frames, and the best one's row index.

        None where the metric or the samples are missing, or no frame is scored.
        """
        samples = self.kind("sample")
        if name not in self.metrics or not samples or not self.scored.any():
            return None
        means = np.nanmean(self.metrics[name][samples][:, self.scored], axis=1)
        best = int(means.argmax())
        numbers = {"best": means.max(), "mean": means.mean(), "worst": means.min()}
        return {key: round(float(value), 4) for key, value in numbers.items()} | {"best_row": samples[best]}

    def record(self) -> dict[str, Any]:
        """The JSON record, of plain types only; missing numbers are None."""
        length, height, width, channels = self.rows[0].frames.shape
        layout, lines = self._layout()
        kept = ("kind", "label", "note", "seed", "pending", "mark")
        rows = [{name: getattr(row, name) for name in kept} | {"line": line} for row, line in zip(self.rows, lines, strict=True)]
        return {
            "format": FORMAT,
            "version": VERSION,
            "model": dict(self.model),
            "options": dict(self.options),
            "seed": self.seed,
            "samples": len(self.kind("sample")),
            "fps": round(float(self.fps), 3),
            "length": length,
            "frame": {"height": height, "width": width, "channels": channels},
            "known": to_flags(self.known),
            "has_truth": to_flags(self.has_truth),
            "ready": None if self.ready is None else to_flags(self.ready),
            "layout": {"columns": layout.columns, "lines_per_sheet": layout.lines_per_sheet, "lines": layout.lines},
            "rows": rows,
            "metrics": {
                name: MEASURES[name] | {"values": to_json_rows(values), "summary": self.summary(name)}
                for name, values in self.metrics.items()
            },
            "traces": {
                name: TRACES.get(name, {"label": name.replace("_", " "), "unit": ""}) | {"values": to_json_rows(values)}
                for name, values in self.traces.items()
            },
            "events": [{"t": int(t), "label": label} for t, label in self.events],
            "notes": list(self.notes),
            "verdict": list(self.verdict),
            "source": self.source,
            "ensemble": dict(self.ensemble),
            "other": dict(self.other),
            "seconds": round(float(self.seconds), 3),
        }

    def sheets(self) -> list[np.ndarray]:
        """The sprite sheets, uint8 (H, W, C), at most 4096 px a side; rows that share an array appear once."""
        layout, lines = self._layout()
        distinct = {line: row.frames for row, line in zip(self.rows, lines, strict=True)}
        return pack_rows([distinct[line] for line in sorted(distinct)], layout)

    def pictures(self) -> tuple[str, list[bytes]]:
        """(MIME type, encoded sprite sheets) for browsers: PNG, or JPEG where the frames are photographs."""
        photographs = is_photograph(self.rows[0].frames[int(self.known.argmax())])
        encode, kind = (encode_jpeg, "image/jpeg") if photographs else (encode_png, "image/png")
        with ThreadPoolExecutor() as pool:
            return kind, list(pool.map(encode, self.sheets()))

    def _layout(self) -> tuple[Layout, list[int]]:
        """The layout of the sprite sheets, and the first line of each row in it."""
        places: dict[int, int] = {}
        length, height, width, _ = self.rows[0].frames.shape
        distinct = {id(row.frames) for row in self.rows}
        layout = Layout.plan(len(distinct), length, height, width)
        for row in self.rows:
            places.setdefault(id(row.frames), len(places) * layout.lines_per_row)
        return layout, [places[id(row.frames)] for row in self.rows]

    def save(self, folder: str | Path, lossless: bool = True, force: bool = False) -> list[Path]:
        """Writes `result.json` and the sprite sheets into `folder`, in place of those of an earlier result; returns the paths,
        the JSON first.

        Args:
            folder: created where missing.
            lossless: always PNG (`sheet-K.png`); False: `sheet-K.jpg` where the frames are photographs.
            force: write over files of these names that `save` did not write.

        Raises:
            ValueError: such files are there, and `force` is not given.
            OSError: a file cannot be written.
        """
        if not force:
            check_no_foreign_files(Path(folder), MARKER, SHEETS, "choose another folder, or give force=True to write over it")
        kind, pictures = ("image/png", map(encode_png, self.sheets())) if lossless else self.pictures()
        with FileSet(Path(folder), MARKER, SHEETS) as target:
            text = json.dumps(self.record(), allow_nan=False)
            target.add(MARKER, lambda part: part.write_text(text, encoding="utf-8"))
            for index, picture in enumerate(pictures):
                suffix = "jpg" if kind == "image/jpeg" else "png"
                target.add(f"sheet-{index}.{suffix}", lambda part, data=picture: part.write_bytes(data))  # type: ignore[misc]
            paths, taken = target.finish()
        if taken:
            raise next(iter(taken.values()))
        return list(paths.values())

    @staticmethod
    def load(folder: str | Path) -> Result:
        """Reads what `save` wrote.

        Raises:
            ValueError: the folder holds no result, an incomplete one, or one of another version.
        """
        folder = Path(folder)
        try:
            record = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError) as error:
            raise ValueError(f"{folder} holds no readable result.json ({error}); give a folder made by save") from error
        found = (record.get("format"), record.get("version"))
        if found != (FORMAT, VERSION):
            raise ValueError(f"{folder} holds {found[0]} version {found[1]}; this reads {FORMAT} version {VERSION}")
        sheets = sorted(folder.glob("sheet-*.*"), key=lambda path: int(path.stem.split("-")[1]))
        try:
            return result_from_record(record, [decode_image(path.read_bytes()) for path in sheets])
        except (KeyError, IndexError) as error:
            raise ValueError(f"{folder} holds an incomplete result ({error} is missing); make it again") from error


def result_from_record(record: Mapping[str, Any], sheets: list[np.ndarray]) -> Result:
    """The Result of a record, as `Result.record` gives it, and its sprite sheets."""
    size, length = record["frame"], record["length"]
    layout = Layout(**record["layout"], length=length, height=size["height"], width=size["width"])
    strips = {row["line"]: unpack_row(sheets, layout, row["line"]) for row in record["rows"]}
    own = ("kind", "label", "note", "seed", "pending")
    rows = tuple(
        Row(frames=strips[row["line"]], mark=row.get("mark", ""), **{name: row[name] for name in own}) for row in record["rows"]
    )
    return Result(
        rows,
        known=np.array(record["known"], bool),
        has_truth=np.array(record["has_truth"], bool),
        fps=record["fps"],
        metrics={name: from_json_rows(entry["values"], length) for name, entry in record["metrics"].items()},
        traces={name: from_json_rows(entry["values"], length) for name, entry in record["traces"].items()},
        events=tuple((event["t"], event["label"]) for event in record["events"]),
        model=record["model"],
        options=record["options"],
        seed=record["seed"],
        notes=tuple(record["notes"]),
        ready=None if record["ready"] is None else np.array(record["ready"], bool),
        seconds=record["seconds"],
        verdict=tuple(record.get("verdict", ())),
        source=record.get("source", ""),
        ensemble=record.get("ensemble", {}),
        other=record.get("other", {}),
    )


def lower_first_letter(text: str) -> str:
    """The text with a lower-case first letter, for use inside a sentence."""
    return text[:1].lower() + text[1:]


def to_flags(values: np.ndarray) -> list[int]:
    """bool (T,) -> list of 0 and 1."""
    return [int(value) for value in values]


def to_json_rows(values: np.ndarray) -> list[list[float | None] | None]:
    """float (rows, T) -> one list per row, rounded, None for NaN and infinities; a row of NaN alone becomes None."""
    rows = [[round(float(x), 4) if math.isfinite(x) else None for x in row] for row in values]
    return [row if any(x is not None for x in row) else None for row in rows]


def from_json_rows(lines: list[list[float | None] | None], length: int) -> np.ndarray:
    """The reverse of `to_json_rows`: float64 (rows, length), NaN for None."""
    rows = [[math.nan if x is None else x for x in line or [None] * length] for line in lines]
    return np.array(rows, np.float64)
