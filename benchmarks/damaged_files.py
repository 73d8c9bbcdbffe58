"""Weight files damaged on purpose, each in one way, and places that look like weight files: what `damaged_weights` tries."""

from __future__ import annotations

import copy
import io
import itertools
import json
import os
import pickle
import random
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

COUNT = 153  # of damaged files
Change = Callable[[Any], None]
DEEP = 100_000  # levels of nesting
# field of a card -> a value of a wrong type
WRONG_TYPES = {
    "format": "1", "family": 5, "config": [], "dataset": ["kth"], "about": 5, "data": ["kth"], "licence": ["MIT"], "fps": "25",
    "recipe": {}, "init": 1.5, "commit": None, "step": "1689", "clips": [1], "minutes": True, "context": [10, 10], "metrics": [],
    "average": 0.5, "adapted": "yes", "lineage": {"recipe": "x"},
}  # fmt: skip
WRONG_VALUES: dict[str, tuple[Any, ...]] = {
    "format": (2, -1, 10**300),
    "family": ("oracle", "", "copy-last", "x" * 500),
    "minutes": (float("nan"), float("inf"), 10**400, -1),
    "fps": (0, -25, 1e300),
    "about": ("two\nlines", "x" * 50_000, "\ud800", "\x1b[2J"),
    "lineage": ([5], [{"data": [1]}], [{"recipe": 5}], [{"clips": "many"}], [{"init": []}], [None]),
    "data": ({"kth": "much"}, {"kth": None}, {"\n": 1.0}),
}
# field of an SVG config, dots for nested ones -> values that no network has, or that this file's weights do not fit
WRONG_CONFIGS: dict[str, tuple[Any, ...]] = {
    "width": (10**9, 10**30, 4096, 0, -48, "48", 48.5, True, None, [48]),
    "flows": (10**9, 4096, -1),
    "z_dim": (10**9, 0),
    "size": (10**9, 0, -64, 65),
    "channels": (10**9, 0, 2),
    "n_past": (10**9, 0),
    "latent": ("oracle", "none", None),
    "objective": ([], 5),
    "objective.lengths": (5, [[0.0]], [[0.0, 10**9]]),
    "objective.beta": (float("nan"), "small"),
    "colour": (1,),
}


@dataclass
class Parts:
    """A .safetensors file taken apart: its header, the card in it, and the bytes of its tensors."""

    header: dict[str, Any]
    card: dict[str, Any]
    body: bytes

    @staticmethod
    def read(path: Path) -> Parts:
        data = path.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])
        return Parts(header, json.loads(header["__metadata__"]["vp"]), data[8 + length :])

    def pack(self, text: bytes | None = None) -> bytes:
        """The file, with `text` as its header where that is given."""
        if text is None:
            text = json.dumps({**self.header, "__metadata__": {"vp": json.dumps(self.card)}}).encode()
        return struct.pack("<Q", len(text)) + text + self.body

    def changed(self, card: Change | None = None, header: Change | None = None) -> bytes:
        """The file after these changes of its card and of its header, made in place of copies."""
        parts = Parts(copy.deepcopy(self.header), copy.deepcopy(self.card), self.body)
        if card:
            card(parts.card)
        if header:
            header(parts.header)
        return parts.pack()


def damaged_files(source: Path, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """COUNT files made from the SVG checkpoint `source`: name, content. None can be used; the same seed gives the same ones."""
    parts, chance = Parts.read(source), random.Random(seed)
    kinds = (cut_files(parts, chance), foreign_files(chance), header_files(parts), card_files(parts), config_files(parts))
    count = 0
    for made in itertools.chain(*kinds, place_files(parts), weight_files(parts)):
        count += 1
        yield made
    whole = parts.pack()
    (length,) = struct.unpack("<Q", whole[:8])
    for number in range(COUNT - count):
        at = 8 + chance.randrange(length)
        yield f"header-byte-{number}", whole[:at] + b"\xff" + whole[at + 1 :]  # which no UTF-8 has


def cut_files(parts: Parts, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Files that end early or late, or whose first eight bytes lie about the header's length."""
    whole = parts.pack()
    (length,) = struct.unpack("<Q", whole[:8])
    edges = (0, 1, 7, 8, 9, length // 2, length + 7, length + 8, len(whole) - 1)
    for at in (*edges, *(chance.randrange(len(whole)) for _ in range(3))):
        yield f"cut-at-{at}", whole[:at]
    yield "one-byte-more", whole + b"\0"
    for claimed in (0, 2, length - 1, length + 1, len(whole), 10**8, 2**31, 2**63, 2**64 - 1):
        yield f"claims-{claimed}", struct.pack("<Q", claimed) + whole[8:]


def foreign_files(chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Files of other kinds."""
    for size in (8, 9, 100, 100_000):
        yield f"random-{size}", chance.randbytes(size)
    archive = io.BytesIO()
    torch.save({"x": torch.zeros(3)}, archive)
    yield "pickle-archive", archive.getvalue()
    yield "pickle-plain", pickle.dumps({"x": [0.0] * 100})
    yield "pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1965928\n"


def header_files(parts: Parts) -> Iterator[tuple[str, bytes]]:
    """Files whose header is no JSON, another JSON value than an object, or nested without end."""
    texts = {"brace": b"{", "list": b"[]", "number": b"5", "text": b'"x"', "null": b"null", "nan": b"NaN", "empty-object": b"{}"}
    texts |= {"deep": b"[" * DEEP + b"]" * DEEP, "digits": b'{"x": ' + b"9" * 10_000 + b"}"}
    texts["utf-16"] = '{"x": 1}'.encode("utf-16")
    for name, text in texts.items():
        yield f"header-{name}", parts.pack(text)
    for name, metadata in {"list": [], "number": {"vp": 5}, "none": {}, "deep": {"vp": '{"a":' * 200 + "1" + "}" * 200}}.items():
        yield f"metadata-{name}", parts.pack(json.dumps({**parts.header, "__metadata__": metadata}).encode())
    yield "card-is-a-list", parts.pack(json.dumps({**parts.header, "__metadata__": {"vp": "[]"}}).encode())


def card_files(parts: Parts) -> Iterator[tuple[str, bytes]]:
    """Files whose card lacks a field or has a wrong one, one at a time."""
    for name in ("format", "family", "config", "dataset"):
        yield f"without-{name}", parts.changed(lambda card: card.pop(name))
    for name, value in WRONG_TYPES.items():
        yield f"type-of-{name}", parts.changed(lambda card: card.update({name: value}))
    for name, values in WRONG_VALUES.items():
        for number, value in enumerate(values):
            yield f"value-of-{name}-{number}", parts.changed(lambda card: card.update({name: value}))


def config_files(parts: Parts) -> Iterator[tuple[str, bytes]]:
    """Files whose config has an absurd or a wrong value, one at a time."""
    for name, values in WRONG_CONFIGS.items():
        *above, last = name.split(".")
        for number, value in enumerate(values):

            def change(card: dict[str, Any]) -> None:
                inner = card["config"]
                for key in above:
                    inner = inner[key]
                inner[last] = value

            yield f"config-{name.replace('.', '-')}-{number}", parts.changed(change)


def place_files(parts: Parts) -> Iterator[tuple[str, bytes]]:
    """Files whose header places one tensor wrongly, or gives it another type or shape."""
    tensors = sorted((name for name in parts.header if name != "__metadata__"), key=lambda x: parts.header[x]["data_offsets"])
    first, second, last = tensors[0], tensors[1], tensors[-1]
    places = {name: parts.header[name]["data_offsets"] for name in tensors}
    (begin, end), size = places[second], len(parts.body)
    entries: dict[str, tuple[str, dict[str, Any]]] = {
        "overlap": (second, {"data_offsets": [begin - 2, end - 2]}),
        "same-place": (second, {"data_offsets": places[first]}),
        "outside": (last, {"data_offsets": [size, 2 * size - places[last][0]]}),
        "far-outside": (last, {"data_offsets": [2**62, 2**63]}),
        "negative": (first, {"data_offsets": [-2, places[first][1] - 2]}),
        "reversed": (second, {"data_offsets": [end, begin]}),
        "fractions": (second, {"data_offsets": [float(begin), float(end)]}),
        "one-number": (second, {"data_offsets": [begin]}),
        "wider-type": (second, {"dtype": "F32"}),
        "unknown-type": (second, {"dtype": "F7"}),
        "whole-numbers": (second, {"dtype": "I16"}),
        "negative-shape": (second, {"shape": [-1]}),
        "huge-shape": (second, {"shape": [2**40, 2**40]}),
        "flat-shape": (max(tensors, key=lambda x: len(parts.header[x]["shape"])), {}),
    }
    flat = entries["flat-shape"][0]
    entries["flat-shape"] = (flat, {"shape": [(places[flat][1] - places[flat][0]) // 2]})
    for name, (tensor, entry) in entries.items():
        yield f"tensor-{name}", parts.changed(header=lambda header: header[tensor].update(entry))
    yield "tensor-is-a-list", parts.changed(header=lambda header: header.update({second: []}))
    yield "tensor-renamed", parts.changed(header=lambda header: header.update({"other": header.pop(second)}))
    nothing = {"dtype": "F16", "shape": [0], "data_offsets": [size, size]}
    yield "tensor-too-many", parts.changed(header=lambda header: header.update({"more": nothing}))


def weight_files(parts: Parts) -> Iterator[tuple[str, bytes]]:
    """Files with a weight, float16, that is not finite."""
    for name, value in {"nan": float("nan"), "infinite": float("inf"), "last-infinite": float("-inf")}.items():
        at, body = (len(parts.body) - 2 if name.startswith("last") else 0), bytearray(parts.body)
        body[at : at + 2] = struct.pack("<e", value)
        yield f"weights-{name}", Parts(parts.header, parts.card, bytes(body)).pack()


def hostile_places(folder: Path, content: bytes) -> list[Path]:
    """Makes fifteen things named like weight files in `folder` that are none; regular files among them begin with `content`.

    Where the system has no such thing (pipes, devices), it is left out.
    """
    made: list[Path] = []

    def put(name: str | bytes, make: Callable[[str], Any]) -> None:
        path = folder / (os.fsdecode(name) + ".safetensors")
        try:
            make(str(path))
            made.append(path)
        except (OSError, AttributeError, ValueError):
            pass

    def plain(path: str) -> None:
        Path(path).write_bytes(content)

    def listen(path: str) -> None:
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(path)

    def sparse(path: str) -> None:
        plain(path)
        os.truncate(path, 2**40)

    def unreadable(path: str) -> None:
        plain(path)
        os.chmod(path, 0)  # the superuser reads it all the same, and finds it damaged

    put("pipe", os.mkfifo)
    put("folder", os.mkdir)
    put("socket", listen)
    put("sparse", sparse)
    put("unreadable", unreadable)
    targets = {"dangling": "nowhere", "loop": "loop.safetensors", "loop-there": "loop-back.safetensors"}
    targets |= {"loop-back": "loop-there.safetensors", "link-to-folder": ".", "link-to-pipe": "pipe.safetensors"}
    targets |= {"zeros": "/dev/zero", "nothing": "/dev/null"}
    for name, target in targets.items():
        put(name, lambda path, target=target: os.symlink(target, path))
    put("two\nlines", plain)
    put(b"not-utf-8-\xff", plain)
    return made
