"""What differs from episode to episode: the objects and their poses, the table's friction, and colours.

The viewer sees shapes, colours and positions. Masses, frictions, an object's supports and how the table's friction varies
with position are hidden: they make the outcome of a push uncertain, as it is in reality.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .shapes import SHAPES, Outline

HALF = (1.0, 1.1)  # of the bin, from its middle to its walls: to the side and away from the viewer
MOST_OBJECTS = 6
GAP = 0.03  # between objects at the start
CLEAR = 0.05  # from the walls
TRIES = 40
COLOURS = np.array(
    [
        (214, 48, 49), (240, 134, 34), (246, 200, 52), (92, 176, 66), (24, 152, 148), (44, 110, 214), (122, 74, 186),
        (228, 96, 158), (244, 240, 230), (86, 190, 228), (168, 204, 60), (44, 62, 92),
    ],
    dtype=float,
)  # fmt: skip
FLOORS = ("oak", "walnut", "felt", "steel")


@dataclass(frozen=True)
class Thing:
    """An object.

    Args:
        outline: its shape around its area's centroid.
        height: above the table.
        colour: RGB 0..255.
        inlay: RGB of the mark on its top, None without a mark.
        mass: 1 is that of an average object.
        supports: float64 (3, 2), the points on which it rests.
        friction: Coulomb coefficient with the table, before the table's own factor.
        grip: Coulomb coefficient with what pushes it.
    """

    outline: Outline
    height: float
    colour: np.ndarray
    inlay: np.ndarray | None
    mass: float
    supports: np.ndarray
    friction: float
    grip: float


@dataclass(frozen=True)
class Friction:
    """The table's friction factor by position: exp of a sum of waves; `waves` float64 (W, 4) = kx, ky, phase, amplitude."""

    waves: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """points (..., 2) -> factors (...), about 0.5 to 2."""
        kx, ky, phase, size = self.waves.T
        return np.exp((size * np.sin(points[..., :1] * kx + points[..., 1:] * ky + phase)).sum(-1))


@dataclass(frozen=True)
class Scene:
    """`things` with their `poses` float64 (K, 3) = x, y, angle; the table's `friction`; `floor`: a name of FLOORS;
    `shade` float64 (3,): the light's tint; `start` float64 (4,): the arm's x, y, height and turn."""

    things: tuple[Thing, ...]
    poses: np.ndarray
    friction: Friction
    floor: str
    shade: np.ndarray
    start: np.ndarray


def random_scene(rng: np.random.Generator) -> Scene:
    """A scene of 3 to MOST_OBJECTS objects, or fewer where they find no room."""
    count = int(rng.integers(3, MOST_OBJECTS + 1))
    colours = COLOURS[rng.permutation(len(COLOURS))[:count]]
    things = [random_thing(rng, colour) for colour in colours]
    things.sort(key=lambda thing: -thing.outline.reach)  # big ones first: small ones still find a place
    things, poses = place_things(things, rng)
    start = np.array([*(rng.uniform(-0.75, 0.75, 2) * HALF), rng.choice([0.06, 0.5]), rng.uniform(-1.2, 1.2)])
    waves = np.stack([*rng.uniform(-5.0, 5.0, (2, 4)), rng.uniform(0, 2 * np.pi, 4), rng.uniform(0.05, 0.30, 4)], axis=1)
    floor = FLOORS[rng.choice(len(FLOORS), p=(0.4, 0.2, 0.2, 0.2))]
    return Scene(things, poses, Friction(waves), floor, rng.normal(1.0, 0.025, 3) * rng.uniform(0.93, 1.04), start)


def random_thing(rng: np.random.Generator, colour: np.ndarray) -> Thing:
    """An object of random shape, size, mass and friction, in about this RGB colour."""
    outline = SHAPES[str(rng.choice(list(SHAPES)))](rng)
    density = np.exp(rng.normal(0.0, 0.4)) / 0.08
    light = colour.mean() > 140
    inlay = None
    if rng.random() < 0.6 or outline.kind == "disc":  # a disc without a mark hides that it turns
        inlay = colour * 0.55 if light else 255 - 0.45 * (255 - colour)
    return Thing(
        outline=outline,
        height=float(rng.uniform(0.13, 0.34)),
        colour=np.clip(colour * rng.uniform(0.9, 1.08) + rng.normal(0, 5, 3), 0, 255),
        inlay=inlay,
        mass=float(outline.area * density),
        supports=random_supports(outline, rng),
        friction=float(np.exp(rng.uniform(np.log(0.05), np.log(0.5)))),
        grip=float(rng.uniform(0.15, 0.7)),
    )


def random_supports(outline: Outline, rng: np.random.Generator) -> np.ndarray:
    """float64 (3, 2): points about 120 degrees apart around a hidden centre of weight, well inside the outline's circle."""
    centre = rng.uniform(-0.3, 0.3, 2) * outline.reach
    angle = rng.uniform(0, 2 * np.pi) + 2 * np.pi / 3 * np.arange(3) + rng.normal(0, 0.25, 3)
    return centre + (rng.uniform(0.35, 0.65, 3) * outline.reach * np.stack([np.cos(angle), np.sin(angle)])).T


def place_things(things: list[Thing], rng: np.random.Generator) -> tuple[tuple[Thing, ...], np.ndarray]:
    """Random poses float64 (K, 3) at which the objects' circles do not overlap, and the objects that found room."""
    placed, poses = [], []
    for thing in things:
        reach = thing.outline.reach
        free = np.array(HALF) - reach - CLEAR
        for point in rng.uniform(-1, 1, (TRIES, 2)) * free:
            if all(np.hypot(*(point - pose[:2])) > reach + other.outline.reach + GAP for other, pose in zip(placed, poses)):
                placed.append(thing)
                poses.append((*point, rng.uniform(0, 2 * np.pi)))
                break
    return tuple(placed), np.array(poses)
