"""The process that OpenCV decodes in, started by `opencv_process` as `python -m vp.data.opencv_worker`.

It is asked by lines of JSON and answers by such lines:

    {"open": path, "pixels": of a frame at most}    {"fps", "promised", "trusted", "form"}, or {"error": a sentence}
    {"next": number of frames}                      {"frames": [[H, W, seconds], ...]} and their bytes; fewer at the end
    {"close": 1}                                    {}

It ends with who asks, or where it has no file open and is asked nothing for long.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from itertools import islice
from pathlib import Path
from typing import Any

from . import video_decode

LONGEST_IDLE_S = 20.0


def main() -> None:
    """Answers requests, one JSON line of stdin each, on stdout, until stdin is closed or LONGEST_IDLE_S have passed with none."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for who asks, who then ends this
    asks, answers = sys.stdin.buffer.raw, os.fdopen(os.dup(1), "wb")  # type: ignore[attr-defined]
    os.dup2(2, 1)  # what libraries print is no answer
    stream: video_decode.Stream | None = None
    rest = b""
    while True:
        while b"\n" not in rest:
            if stream is None and sys.platform != "win32" and not select.select([asks], [], [], LONGEST_IDLE_S)[0]:
                return
            part = asks.read(65_536)
            if not part:
                return
            rest += part
        line, _, rest = rest.partition(b"\n")
        wish, frames = json.loads(line), []
        answer: dict[str, Any] = {}
        if "next" in wish:
            frames = list(islice(stream.rest, wish["next"])) if stream else []
            answer = {"frames": [[*frame.shape[:2], time] for frame, time in frames]}
        elif stream:
            stream.close()
            stream = None
        if "open" in wish:
            video_decode.MAX_FRAME_PIXELS = wish["pixels"]
            try:
                stream = video_decode.open_with_opencv_here(Path(wish["open"]))
                answer = {name: getattr(stream, name) for name in ("fps", "promised", "trusted", "form")}
            except ValueError as error:
                answer = {"error": str(error)}
        answers.write(json.dumps(answer).encode() + b"\n")
        for frame, _ in frames:
            answers.write(memoryview(frame).cast("B"))
        answers.flush()


if __name__ == "__main__":
    main()
