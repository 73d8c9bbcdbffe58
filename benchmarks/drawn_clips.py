"""Clips that are drawn, not filmed, as people upload them: animations, screen recordings, games, digits unlike the usual ones.

Each function gives frames uint8 (T, H, W, C); whatever is random comes from a fixed seed.
"""

from __future__ import annotations

import numpy as np

LENGTH = 24  # frames
FONT = 0  # cv2.FONT_HERSHEY_SIMPLEX; OpenCV 5 draws a TrueType font under this number, which serves as well
WORDS = ("the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "while", "seven", "boxing", "wizards", "look", "on")


def blank(height: int, width: int, *colour: int) -> np.ndarray:
    return np.full((height, width, len(colour)), colour, np.uint8)


def bounced(t: int, start: float, speed: float, low: float, high: float) -> float:
    """Where something is at frame t that is thrown back between two walls."""
    width = high - low
    return low + width - abs((start - low + speed * t) % (2 * width) - width)


def balls(height: int = 240, width: int = 320) -> np.ndarray:
    """Five coloured balls that bounce on white."""
    import cv2

    rng, frames = np.random.default_rng(1), []
    colours = rng.integers(20, 220, (5, 3)).tolist()
    radius, speed = rng.integers(12, 30, 5), rng.uniform(-9, 9, (5, 2))
    start = np.stack([rng.uniform(40, width - 40, 5), rng.uniform(40, height - 40, 5)], 1)
    for t in range(LENGTH):
        frame = blank(height, width, 255, 255, 255)
        for k, colour in enumerate(colours):
            r = int(radius[k])
            x = bounced(t, start[k, 0], speed[k, 0], r, width - r)
            y = bounced(t, start[k, 1], speed[k, 1], r, height - r)
            cv2.circle(frame, (round(x), round(y)), r, colour, -1, cv2.LINE_AA)
        frames.append(frame)
    return np.stack(frames)


def lines_of_text(lines: int, words: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, words)) for _ in range(lines)]


def credits(height: int = 180, width: int = 320) -> np.ndarray:
    """White text that scrolls up over black, as at a film's end."""
    import cv2

    frames, text = [], lines_of_text(14, 3, 2)
    for t in range(LENGTH):
        frame = blank(height, width, 0, 0, 0)
        for k, line in enumerate(text):
            cv2.putText(frame, line, (70, 30 + 28 * k - 4 * t), FONT, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
        frames.append(frame)
    return np.stack(frames)


def document(height: int = 360, width: int = 640) -> np.ndarray:
    """A screen recording: a page of dark text below a window's title bar scrolls."""
    import cv2

    frames, text = [], lines_of_text(40, 9, 3)
    for t in range(LENGTH):
        frame = blank(height, width, 250, 250, 250)
        for k, line in enumerate(text):
            cv2.putText(frame, line, (40, 60 + 24 * k - 8 * t), FONT, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
        frame[:36] = (222, 225, 230)
        for k, colour in enumerate(((255, 95, 87), (254, 188, 46), (40, 200, 64))):
            cv2.circle(frame, (20 + 22 * k, 18), 7, colour, -1, cv2.LINE_AA)
        frames.append(frame)
    return np.stack(frames)


def code_editor(height: int = 360, width: int = 640) -> np.ndarray:
    """A screen recording: coloured code on a dark ground, one letter more a frame."""
    import cv2

    frames, text = [], lines_of_text(9, 6, 4)
    colours = ((197, 134, 192), (156, 220, 254), (206, 145, 120), (106, 153, 85))
    for t in range(LENGTH):
        frame = blank(height, width, 30, 30, 30)
        frame[:, :50] = 37
        for k, line in enumerate(text):
            written = line if k < 8 else line[:t]
            cv2.putText(frame, written, (60 + 20 * (k % 3), 40 + 34 * k), FONT, 0.5, colours[k % 4], 1, cv2.LINE_AA)
            cv2.putText(frame, str(k + 1), (20, 40 + 34 * k), FONT, 0.45, (130, 130, 130), 1, cv2.LINE_AA)
        frames.append(frame)
    return np.stack(frames)


def letters(height: int = 240, width: int = 320) -> np.ndarray:
    """Four large coloured letters that drift over a light ground."""
    import cv2

    rng, frames = np.random.default_rng(5), []
    colours, speed = rng.integers(0, 200, (4, 3)).tolist(), rng.uniform(-8, 8, (4, 2))
    for t in range(LENGTH):
        frame = blank(height, width, 244, 236, 214)
        for k, letter in enumerate("PLAY"):
            x, y = (
                bounced(t, 30 + 70 * k, speed[k, 0], 0, width - 50),
                bounced(t, 80 + 40 * k, speed[k, 1], 50, height - 5),
            )
            cv2.putText(frame, letter, (round(x), round(y)), FONT, 2, colours[k], 6, cv2.LINE_AA)
        frames.append(frame)
    return np.stack(frames)


def cartoon(height: int = 240, width: int = 320) -> np.ndarray:
    """Black and white: a stick figure walks past a house and a sun, black lines on white."""
    import cv2

    frames = []
    for t in range(LENGTH):
        frame = blank(height, width, 255)
        cv2.line(frame, (0, 200), (width, 200), 0, 3, cv2.LINE_AA)
        cv2.rectangle(frame, (210, 120), (290, 200), 0, 3)
        cv2.polylines(frame, [np.array([(200, 120), (250, 70), (300, 120)], np.int32)], True, 0, 3, cv2.LINE_AA)
        cv2.circle(frame, (60, 45), 22, 0, 3, cv2.LINE_AA)
        x, step = 20 + 6 * t, round(16 * np.sin(0.8 * t))
        cv2.circle(frame, (x, 120), 14, 0, 3, cv2.LINE_AA)
        for a, b in (
            ((x, 134), (x, 168)),
            ((x, 168), (x - step, 200)),
            ((x, 168), (x + step, 200)),
            ((x, 145), (x + step, 158)),
        ):
            cv2.line(frame, a, b, 0, 3, cv2.LINE_AA)
        frames.append(frame)
    return np.stack(frames)


def pong(height: int = 120, width: int = 160) -> np.ndarray:
    """An old video game: two white bats, a ball, a dashed net on black."""
    frames = []
    for t in range(LENGTH):
        frame = blank(height, width, 0)
        frame[4::12, 79:81] = frame[5::12, 79:81] = frame[6::12, 79:81] = 255
        left, right = round(bounced(t, 30, 2, 0, 96)), round(bounced(t, 70, -2.5, 0, 96))
        frame[left : left + 24, 8:12] = frame[right : right + 24, 148:152] = 255
        x, y = round(bounced(t, 50, 5, 14, 142)), round(bounced(t, 20, 3, 0, 114))
        frame[y : y + 5, x : x + 5] = 255
        frames.append(frame)
    return np.stack(frames)


def noise(side: int = 128) -> np.ndarray:
    """White noise in colour."""
    return np.random.default_rng(6).integers(0, 256, (LENGTH, side, side, 3), dtype=np.uint8)


def bin_game(side: int = 320) -> np.ndarray:
    """What could be taken for the push world: from above, slate-grey walls around a lighter floor, coloured discs that roll."""
    import cv2

    rng, frames = np.random.default_rng(7), []
    colours, speed = rng.integers(40, 240, (4, 3)).tolist(), rng.uniform(-7, 7, (4, 2))
    for t in range(LENGTH):
        frame = blank(side, side, 74, 78, 88)
        frame[24:-24, 24:-24] = (190, 196, 200)
        for k, colour in enumerate(colours):
            x = bounced(t, 60 + 50 * k, speed[k, 0], 42, side - 42)
            y = bounced(t, 80 + 40 * k, speed[k, 1], 42, side - 42)
            cv2.circle(frame, (round(x), round(y)), 16, colour, -1, cv2.LINE_AA)
        frames.append(frame)
    return np.stack(frames)


def stroke_digit(number: int) -> np.ndarray:
    """A handwriting-like digit of the test split, uint8 (28, 28), white on black."""
    from vp.data.digits.banks import load_digits

    (bank,) = load_digits("strokes", "test")
    return bank.images[number].numpy()


def printed_digit(digit: int) -> np.ndarray:
    """A printed digit, uint8 (28, 28), white on black."""
    import cv2

    picture = np.zeros((28, 28), np.uint8)
    cv2.putText(picture, str(digit), (5, 24), FONT, 0.9, 255, 2, cv2.LINE_AA)
    return picture


def tilted(picture: np.ndarray, degrees: float) -> np.ndarray:
    import cv2

    side = len(picture)
    turn = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), degrees, 1.0)
    return cv2.warpAffine(picture, turn, (side, side), flags=cv2.INTER_LINEAR)


def moving(pictures: list[np.ndarray], side: int = 28, ground: int = 0, ink: int = 255, canvas: int = 64) -> np.ndarray:
    """Small pictures that bounce about as the digits of Moving MNIST do.

    Args:
        pictures: uint8 (S, S), white on black.
        side: px of each on the canvas.
        ground, ink: grey levels that black and white become.
        canvas: px, its side.
    """
    import cv2

    rng, frames = np.random.default_rng(8), np.zeros((LENGTH, canvas, canvas), np.uint8)
    room = canvas - side
    for picture in pictures:
        shown = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA if side < len(picture) else cv2.INTER_LINEAR)
        start, angle = rng.uniform(0, room, 2), rng.uniform(0, 2 * np.pi)
        for t in range(LENGTH):
            x = round(bounced(t, start[0], 3.6 * np.cos(angle), 0, room))
            y = round(bounced(t, start[1], 3.6 * np.sin(angle), 0, room))
            there = frames[t, y : y + side, x : x + side]
            np.maximum(there, shown, out=there)
    levels = np.linspace(ground, ink, 256).round().astype(np.uint8)
    return levels[frames][..., None]
