"""Uploads hostile files to a running app as a browser does, and reports what that does to the server and to other visitors.

    python -m benchmarks.hostile_files [--count 250] [--seed 0] [--json FILE]

The files are made from small real videos with a seed: cut, with changed bytes, with headers that claim absurd sizes, lengths and
numbers of frames, bombs (GIF, PNG, zip, npz, npy), playlists that name other files and addresses, and foreign or empty files
under odd names (`made_files`). Each is uploaded over HTTP on loopback and chosen as a clip. Counted are deaths of the server,
tracebacks in its log and in its answers, the CPU seconds and the peak memory of the decoder's processes, and how the server's own
memory (anonymous pages) moved. Before and meanwhile another visitor asks for a small prediction again and again; the share of the
medians says how much slower that was, which a busy machine blurs.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from vp.core.bundled import bundled_folder
from vp.data import write_gif, write_mp4

COUNT, MB = 250, 1e6
CPU_S, MEMORY_MB, MOVED_MB = 10.0, 700, 50  # allowed
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
ODD_NAMES = ("a b.mp4", "%2e%2e%2fx.mp4", "..mp4", "-i.mp4", "x;|.mp4", "é中.mp4", "pipe:0.mp4", "%05d.png", "x" * 180 + ".mp4")
PLAYLISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{}\n#EXT-X-ENDLIST\n",
    "list.ffconcat": "ffconcat version 1.0\nfile '{}'\n",
    "list.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "list.mpd": '<?xml version="1.0"?><MPD><Period><BaseURL>{}</BaseURL></Period></MPD>',
    "hidden.mp4": "\n\n#EXTM3U\n{}\n",
}
TARGETS = ("file:///etc/passwd", "/etc/passwd", "http://127.0.0.1:9/x.ts", "concat:/etc/passwd|/etc/hosts")


def made_files(folder: Path, count: int = COUNT, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yields (name, content) of `count` hostile files; the same seed gives the same ones where the encoder is the same."""
    chance, real = random.Random(seed), real_files(folder)
    fixed = [*foreign_files(chance), *bombs(), *lying_files(real)]
    chance.shuffle(fixed)
    yield from fixed[:count]
    for number in range(count - len(fixed)):
        name, content = chance.choice(sorted(real.items()))
        kind = chance.choice((cut, flip, patch_words))
        yield f"{kind.__name__}-{number}{Path(name).suffix}", kind(content, chance)


def real_files(folder: Path) -> dict[str, bytes]:
    """Small videos in three containers."""
    world = np.kron(np.random.default_rng(0).integers(0, 256, (16, 24, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    frames = np.stack([world[:, t : t + 128] for t in range(24)])
    write_mp4(folder / "real.mp4", frames, 12)
    write_gif(folder / "real.gif", frames, 12)
    (folder / "real.avi").write_bytes(avi(128, 128, 24))
    return {name: (folder / name).read_bytes() for name in ("real.mp4", "real.gif", "real.avi")}


def cut(content: bytes, chance: random.Random) -> bytes:
    """The beginning of a file."""
    return content[: chance.randrange(1, len(content))]


def flip(content: bytes, chance: random.Random) -> bytes:
    """The file with 1 to 200 bits changed."""
    changed = bytearray(content)
    for _ in range(int(200 ** chance.random())):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def patch_words(content: bytes, chance: random.Random) -> bytes:
    """The file with a few 32-bit words, most of them near its ends, where headers are, replaced by extreme ones."""
    changed = bytearray(content)
    for _ in range(chance.randrange(1, 6)):
        far = chance.randrange(min(4_000, len(changed) - 4))
        at = far if chance.random() < 0.5 else len(changed) - 4 - far
        changed[at : at + 4] = struct.pack(">I", chance.choice((0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**30)))
    return bytes(changed)


def avi(width: int, height: int, frames: int, claimed: int | None = None) -> bytes:
    """An AVI of black uncompressed frames of at most 128x128 px, whose header says width x height and `claimed` frames."""
    pixels = bytes(min(abs(width), 128) * min(height, 128) * 3)
    claimed = frames if claimed is None else claimed
    main = struct.pack("<14I", 83_333, 0, 0, 16, claimed, 0, 1, len(pixels), width & 0xFFFFFFFF, height, 0, 0, 0, 0)
    stream = b"vidsDIB " + struct.pack("<10I", 0, 0, 0, 1, 12, 0, claimed, len(pixels), 0, 0) + bytes(8)
    form = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    chunk = lambda kind, data: kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)  # noqa: E731
    streams = chunk(b"LIST", b"strl" + chunk(b"strh", stream) + chunk(b"strf", form))
    body = b"AVI " + chunk(b"LIST", b"hdrl" + chunk(b"avih", main) + streams)
    return chunk(b"RIFF", body + chunk(b"LIST", b"movi" + chunk(b"00db", pixels) * frames))


def png(width: int, height: int) -> bytes:
    """A PNG of width x height black pixels (1 bit), compressed to nearly nothing."""
    part = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))  # noqa: E731
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes((width + 7) // 8 + 1)) for _ in range(height)) + packer.flush()
    header = part(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + part(b"IDAT", rows) + part(b"IEND", b"")


def gif(width: int, height: int, frames: int) -> bytes:
    """A GIF of `frames` frames that each claim width x height px and hold almost no data."""
    frame = b"!\xf9\x04\0\x01\0\0\0," + struct.pack("<4H", 0, 0, width, height) + b"\0\x02\x04\x8c\x8f\x19\x05\0"
    return b"GIF89a" + struct.pack("<2H", width, height) + b"\x80\0\0\0\0\0\xff\xff\xff" + frame * frames + b";"


def bombs() -> list[tuple[str, bytes]]:
    """Small files that become large."""
    files = [
        (f"bomb-{w}x{h}-{n}.gif", gif(w, h, n)) for w, h, n in ((7_000, 4_600, 300), (65_535, 65_535, 3), (4_000, 4_000, 3_000))
    ]
    files += [(f"bomb-{side}.png", png(side, side)) for side in (5_000, 20_000)]
    for name in ("bomb.zip", "bomb.npz", "many.zip", "traversal.zip"):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            if name == "many.zip":
                for k in range(5_000):
                    archive.writestr(f"{k}.png", b"")
            else:
                inner = "../../../etc/cron.d/x" if name == "traversal.zip" else "frames.npy"
                archive.writestr(inner, bytes(50_000_000))
        files.append((name, packed.getvalue()))
    return files


def lying_files(real: dict[str, bytes]) -> list[tuple[str, bytes]]:
    """Files whose headers claim what they do not hold."""
    sizes = ((65_535, 65_535), (2**31 - 1, 2), (30_000, 1_000), (7_680, 4_320), (0, 0), (-128, 128))
    files = [(f"claims-{k}.avi", avi(w, h, 4, claimed=2**32 - 1)) for k, (w, h) in enumerate(sizes)]
    for field in (b"mvhd", b"tkhd", b"mdhd", b"stsz", b"stts", b"stco", b"avc1"):
        at = real["real.mp4"].find(field)
        for length in (4, 40):
            content = bytearray(real["real.mp4"])
            content[at + 8 : at + 8 + length] = b"\x7f\xff\xff\xff" * (length // 4)
            files.append((f"claims-{field.decode()}-{length}.mp4", bytes(content)))
    return files


def foreign_files(chance: random.Random) -> list[tuple[str, bytes]]:
    """Playlists, arrays, pictures, texts and noise, under plain and odd names."""
    files = [(name, text.format(target).encode()) for name, text in PLAYLISTS.items() for target in TARGETS]
    for shape in ("(99999999999, 9999, 9999, 3)", "(1,)" * 3, "(2, 2)"):
        header = f"{{'descr': '{'|O' if shape == '(2, 2)' else '|u1'}', 'fortran_order': False, 'shape': {shape}, }}".encode()
        files.append(("huge.npy", b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header))
    webp = b"RIFF\xff\xff\xff\x7fWEBPVP8X\x0a\0\0\0\x02\0\0\0\xff\xff\xff\xff\xff\xffANIM\x06\0\0\0\0\0\0\0\0\0"
    files += [
        ("animated.webp", webp),
        ("empty.mp4", b""),
        ("one.mp4", b"\0"),
        ("text.mp4", b"hello"),
        ("zeros.mp4", bytes(100_000)),
    ]
    files += [(name, chance.randbytes(2_000)) for name in ODD_NAMES]
    return files


class Visitor:
    """Uploads files and chooses them as clips, as the page does."""

    def __init__(self, address: str):
        self.http = httpx.Client(base_url=f"{address}/gradio_api", timeout=120)
        config = httpx.get(f"{address}/config", timeout=60).json()
        parts = {part["id"]: part for part in config["components"]}
        name = lambda target: parts.get(target[0], {}).get("props", {}).get("elem_id")  # noqa: E731
        event = next(d for d in config["dependencies"] for t in d["targets"] if name(t) == "upload" and t[1] == "upload")
        self.event, self.inputs = event["id"], [parts[k] for k in event["inputs"]]
        self.session = f"hostile-{os.getpid()}"

    def give(self, name: str, content: bytes) -> str:
        """Uploads a file and chooses it; returns all that the server answered as a text."""
        sent = self.http.post("/upload", files={"files": (name, content)})
        if sent.status_code != 200:
            return sent.text
        file = {"path": sent.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}
        values = [file if p["props"].get("elem_id") == "upload" else p["props"].get("value") for p in self.inputs]
        body = {"data": values, "fn_index": self.event, "session_hash": self.session, "event_data": None, "trigger_id": None}
        self.http.post("/queue/join", json=body).raise_for_status()
        with self.http.stream("GET", "/queue/data", params={"session_hash": self.session}) as stream:
            for line in stream.iter_lines():
                if '"process_completed"' in line:
                    return line
        return ""


class Watch:
    """Looks at a server's memory, and at the CPU seconds and the peak memory of its descendants, until it is stopped."""

    def __init__(self, server: int):
        self.server, self.cpu_s, self.peak_mb = server, {}, 0.0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self) -> None:
        """Polls /proc."""
        while not self.stopped.wait(0.1):
            for pid, parents in list(descendants(self.server)):
                try:
                    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                    peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
                except OSError:
                    continue
                self.cpu_s[parents, pid] = (int(stat[11]) + int(stat[12])) / TICKS
                self.peak_mb = max(self.peak_mb, int(peak[1]) / 1e3 if peak else 0.0)

    def most_cpu_s(self) -> float:
        """CPU seconds of the decoder that took most, with what it started."""
        sums: dict[int, float] = {}
        for (decoder, _), seconds in self.cpu_s.items():
            sums[decoder] = sums.get(decoder, 0.0) + seconds
        return max(sums.values(), default=0.0)


def descendants(pid: int) -> Iterator[tuple[int, int]]:
    """(process, the child of `pid` that it descends from) of all processes below `pid`."""
    above = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            above[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    for process in above:
        line = [process]
        while line[-1] in above and above[line[-1]] != pid:
            line.append(above[line[-1]])
        if line[-1] in above:
            yield process, line[-1]


def own_memory_mb(pid: int) -> float:
    """MB of anonymous memory of a process."""
    found = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1e3 if found else 0.0


def predict_again_and_again(address: str, stopped: threading.Event, times: list[float], most: int) -> None:
    """Small predictions of another visitor, until stopped or `most` are done; appends the seconds that each took."""
    from gradio_client import Client, handle_file

    client = Client(address, verbose=False, download_files=False)
    clip = handle_file(str(bundled_folder("assets") / "clips" / "digits-1.mp4"))
    while len(times) < most and not stopped.is_set():
        began = time.monotonic()
        client.predict(clip=clip, model="copy-last", n_futures=1, n_past=3, n_future=5, temperature=None, api_name="/predict")
        times.append(time.monotonic() - began)


def measure(count: int, seed: int, with_other: bool = True) -> dict[str, Any]:
    """Runs the app and uploads the files; returns what was seen."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "tmp").mkdir()
        settings = {"TMPDIR": str(folder / "tmp"), "GRADIO_ANALYTICS_ENABLED": "False", "PYTHONUNBUFFERED": "1"}
        serve = "from vp.ui.server_folder import server_folder as f; f(); from vp.ui.app import build, launch_options as o; "
        serve += "d = build('cpu'); d.launch(server_name='127.0.0.1', **o())"
        with (folder / "log").open("w") as log:
            command = [sys.executable, "-c", serve]
            server = subprocess.Popen(command, env=os.environ | settings, stdout=log, stderr=log)
        try:
            found = None
            while not found and server.poll() is None:
                time.sleep(0.2)
                found = re.search(r"http://127\.0\.0\.1:\d+", (folder / "log").read_text())
            seen = attack(found[0] if found else "", server.pid, folder, list(made_files(folder, count, seed)), with_other)
            seen["deaths"] = int(server.poll() is not None)
            seen["tracebacks"] += (folder / "log").read_text().count("Traceback")
        finally:
            server.terminate()
            server.wait()
        seen["left in the temporary folder"] = [entry.name for entry in (folder / "tmp").iterdir()]
    return seen


def attack(address: str, server: int, folder: Path, files: list[tuple[str, bytes]], with_other: bool) -> dict[str, Any]:
    """Uploads the files one after another while another visitor predicts."""
    alone: list[float] = []
    meanwhile: list[float] = []
    visitor, stopped = Visitor(address), threading.Event()
    for name in ("real.mp4", "real.gif"):  # what is loaded on the first events
        visitor.give(name, (folder / name).read_bytes())
    if with_other:
        predict_again_and_again(address, stopped, alone, 8)
    before, watch = own_memory_mb(server), Watch(server)
    other = threading.Thread(target=predict_again_and_again, args=(address, stopped, meanwhile, 10**6))
    if with_other:
        other.start()
    answers, began = [], time.monotonic()
    for name, content in files:
        answers.append(visitor.give(name, content))
    seconds = time.monotonic() - began
    stopped.set()
    watch.stopped.set()
    if with_other:
        other.join()
    unclear = [name for (name, _), said in zip(files, answers) if '"success": true' not in said.replace('":true', '": true')]
    slower = statistics.median(meanwhile) / statistics.median(alone) if meanwhile and alone else None
    return {
        "files": len(files),
        "seconds": round(seconds, 1),
        "tracebacks": sum("Traceback" in said for said in answers),
        "usable": sum("Your clip" in said for said in answers),
        "not answered by the page": unclear,
        "decoder's most CPU seconds": round(watch.most_cpu_s(), 2),
        "decoder's peak MB": round(watch.peak_mb),
        "server's memory moved by MB": round(own_memory_mb(server) - before, 1),
        "another's prediction slower by": None if slower is None else round(slower, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    seen = measure(args.count, args.seed)
    print(json.dumps(seen, indent=1))
    if args.json:
        args.json.write_text(json.dumps(seen, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
