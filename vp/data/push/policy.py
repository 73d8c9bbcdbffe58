"""How the arm explores: it reaches for an object and pushes it, or wanders, in smooth noisy moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .physics import FINGER, HIGH, REACH
from .scene import HALF, Scene

FASTEST = np.array([0.24, 0.24, 0.24, 0.45])  # a frame: to the right, away, up, turn
JERK = np.array([0.09, 0.09, 0.14, 0.20])  # change of speed from one frame to the next
PUSHING, SAFE = 0.06, 0.48  # heights of the tip: low enough for every object, above them all
WANDER = 0.22  # share of moves that go nowhere in particular
NEAR = 0.07  # a goal counts as reached
PATIENCE = 2  # frames without getting on before it tries something else


@dataclass
class Leg:
    """A move of a plan: to `goal` (x, y), `height` and `turn`, at the share `speed` of full speed, within `frames` frames."""

    goal: np.ndarray
    height: float
    turn: float
    speed: float
    frames: int


class Explorer:
    """Draws actions, depending on the scene, the random generator, and where finger and objects are."""

    def __init__(self, scene: Scene, rng: np.random.Generator):
        self.scene, self.rng = scene, rng
        self.plan: list[Leg] = []
        self.speed, self.drift = np.zeros(4), np.zeros(4)
        self.before, self.held_up = scene.start, 0

    def act(self, position: np.ndarray, poses: np.ndarray) -> np.ndarray:
        """The next action (4,) within +-FASTEST, given the finger's position (4,) and the objects' poses (K, 3)."""
        self.held_up = self.held_up + 1 if self.is_hindered(position) else 0
        if self.held_up >= PATIENCE:
            self.plan, self.speed, self.held_up = [], position - self.before, 0
        self.before = position
        if not self.plan:
            self.plan = self.plan_wander() if self.rng.random() < WANDER or not len(poses) else self.plan_push(position, poses)
        leg = self.plan[0]
        leg.frames -= 1
        left = np.array([*(leg.goal - position[:2]), leg.height - position[2], clip_turn(leg.turn - position[3])])
        self.drift = 0.7 * self.drift + self.rng.normal(0.0, 1.0, 4) * (0.008, 0.008, 0.006, 0.03)
        wanted = 0.7 * left + self.drift
        wanted[:2] *= min(1.0, leg.speed * FASTEST[0] / max(np.hypot(*wanted[:2]), 1e-9))
        wanted = np.clip(wanted, -FASTEST, FASTEST)
        self.speed = self.speed + np.clip(wanted - self.speed, -JERK, JERK)
        self.speed[:2] = np.clip(position[:2] + self.speed[:2], -REACH, REACH) - position[:2]
        self.speed = np.clip(self.speed, -FASTEST, FASTEST)
        if leg.frames <= 0 or np.hypot(*left[:2]) < NEAR and abs(left[2]) < NEAR:
            self.plan.pop(0)
        return self.speed.copy()

    def is_hindered(self, position: np.ndarray) -> bool:
        """Whether the last action moved the finger less than half as far as commanded."""
        commanded, came = np.linalg.norm(self.speed[:3]), np.linalg.norm((position - self.before)[:3])
        return commanded > 0.03 and came < 0.5 * commanded

    def plan_wander(self) -> list[Leg]:
        """One move to a random point."""
        goal = self.rng.uniform(-1, 1, 2) * REACH
        height = self.rng.choice([PUSHING, SAFE, self.rng.uniform(PUSHING, HIGH)], p=[0.5, 0.25, 0.25])
        return [Leg(goal, height, self.rng.uniform(-1.5, 1.5), self.rng.uniform(0.5, 1.0), int(self.rng.integers(4, 10)))]

    def plan_push(self, position: np.ndarray, poses: np.ndarray) -> list[Leg]:
        """Moves to a point beside a random near object, then through it; above objects that are in the way."""
        away = np.hypot(*(poses[:, :2] - position[:2]).T)
        chance = np.exp(-away / 0.6)
        k = int(self.rng.choice(len(poses), p=chance / chance.sum()))
        thing, centre = self.scene.things[k], poses[k, :2]
        direction = self.push_direction(position, centre)
        across = np.array([-direction[1], direction[0]])
        aim = centre + across * self.rng.normal(0.0, 0.35) * thing.outline.reach
        begin = np.clip(aim - direction * (thing.outline.reach + FINGER[1] + 0.05), -REACH, REACH)
        end = np.clip(aim + direction * self.rng.uniform(0.2, 1.0), -REACH, REACH)
        turn = nearest_turn(np.arctan2(*across[::-1]) + self.rng.normal(0.0, 0.25), position[3])
        free = is_way_clear(position[:2], begin, poses, self.scene)
        travel = PUSHING if free and position[2] < SAFE - 0.1 else SAFE
        legs = [Leg(begin, travel, turn, self.rng.uniform(0.8, 1.0), 12)]
        if travel > PUSHING:
            legs.append(Leg(begin, PUSHING, turn, 0.6, 2))
        legs.append(Leg(end, PUSHING, turn, self.rng.uniform(0.5, 1.0), int(self.rng.integers(5, 10))))
        return legs

    def push_direction(self, position: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """Unit vector of a push: random, with a preference for onwards from the arm, and away from a near wall."""
        onwards = (centre - position[:2]) / max(np.hypot(*(centre - position[:2])), 1e-6)
        inwards = -((centre / HALF) ** 3) * 2.0
        mean = onwards + inwards
        angle = np.arctan2(mean[1], mean[0]) + self.rng.normal(0.0, 0.6)
        return np.array([np.cos(angle), np.sin(angle)])


def clip_turn(angle: float) -> float:
    """A turn clamped to -pi..pi."""
    return float(np.clip(angle, -np.pi, np.pi))


def nearest_turn(angle: float, now: float) -> float:
    """The angle equal to `angle` modulo pi that is nearest to `now`: the finger looks the same after half a turn."""
    return float(now + (angle - now + np.pi / 2) % np.pi - np.pi / 2)


def is_way_clear(start: np.ndarray, end: np.ndarray, poses: np.ndarray, scene: Scene) -> bool:
    """Whether the finger touches no object on the straight line from `start` to `end`."""
    along = end - start
    share = np.clip(((poses[:, :2] - start) @ along) / max(along @ along, 1e-9), 0, 1)
    distance = np.hypot(*(start + share[:, None] * along - poses[:, :2]).T)
    return bool((distance > np.array([thing.outline.reach for thing in scene.things]) + FINGER[0]).all())
