"""The table's mechanics, by pymunk: objects with friction on the table, walls, and a finger with limited force.

An object rests on three points, each with its own friction force, which depends on the position: that is what makes a
push off the centre turn it, by an amount that the frames do not show. The finger's force is limited: where objects are
jammed against a wall it stalls, so that nothing is pressed through anything.
"""

from __future__ import annotations

import numpy as np

from .scene import HALF, Scene

FRAME_S = 0.2
SUBSTEPS = 12
GRAVITY = 39.0  # half widths of the bin a second squared: 9.8 m/s2 in a bin half a metre wide
FINGER = (0.115, 0.052)  # half width and half depth
FINGER_FORCE, FINGER_TORQUE = 110.0, 14.0
FINGER_MASS = 4.0
WALL = 0.5  # thickness; only its inner face is felt
ROUND = 0.008  # radius of an object's edges
LOW, HIGH = 0.03, 0.62  # heights the finger's tip may have
REACH = np.array(HALF) - 0.15  # farthest place of the finger from the middle
OBJECT_KIND = 1  # collision type


def load_pymunk():
    """The module pymunk.

    Raises:
        ValueError: it is not installed.
    """
    try:
        import pymunk
    except ModuleNotFoundError as error:
        raise ValueError(
            "simulating the push world needs pymunk: pip install pymunk, or make a pool file where it is installed, by "
            "python -m vp.data.push.make --out DATA_ROOT/push, and give that DATA_ROOT by --data-root or VP_DATA"
        ) from error
    return pymunk


class Table:
    """The simulation of a scene. `position` float64 (4,) is the finger's x, y, height of its tip, and turn in radians."""

    def __init__(self, scene: Scene):
        pymunk = load_pymunk()
        self.scene, self.height = scene, float(scene.start[2])
        self.space = space = pymunk.Space()
        space.iterations, space.collision_slop, space.collision_bias = 20, 0.002, 1e-7
        self.heights = [thing.height for thing in scene.things]
        self.middles = np.array([thing.supports.mean(0) for thing in scene.things])  # of mass, from those of the areas
        self.offsets = np.array([thing.supports - thing.supports.mean(0) for thing in scene.things])
        self.weights = np.array([t.friction * t.mass * GRAVITY / len(t.supports) for t in scene.things])
        self.rubbed = np.full((len(scene.things), 3), np.nan)
        self.bodies = [self.add_thing(pymunk, k) for k in range(len(scene.things))]
        self.rubs = [self.add_friction_joints(pymunk, k) for k in range(len(scene.things))]
        self.add_walls(pymunk)
        self.add_finger(pymunk)
        self.touched: set[int] = set()

    def add_thing(self, pymunk, k: int):
        """Adds object k to the space and returns its body."""
        thing, (x, y, angle) = self.scene.things[k], self.scene.poses[k]
        centre = self.middles[k]  # the body's origin is its centre of mass
        corners = [part - centre for part in thing.outline.parts]
        moment = sum(pymunk.moment_for_poly(thing.mass / len(corners), part.tolist()) for part in corners)
        body = pymunk.Body(thing.mass, moment)
        body.angle, body.position = angle, tuple(np.array((x, y)) + rotate(centre, angle))
        if thing.outline.radius:
            shapes = [pymunk.Circle(body, thing.outline.radius, tuple(-centre))]
        else:
            shapes = [pymunk.Poly(body, part.tolist(), radius=ROUND) for part in corners]
        for shape in shapes:
            shape.friction, shape.collision_type = thing.grip, OBJECT_KIND
            shape.filter, shape.thing = pymunk.ShapeFilter(categories=1 << k), k
        self.space.add(body, *shapes)
        return body

    def add_friction_joints(self, pymunk, k: int) -> list:
        """Adds the friction at object k's three supports: joints without stiffness and with limited force."""
        rubs = []
        for point in self.offsets[k].tolist():
            joint = pymunk.PivotJoint(self.space.static_body, self.bodies[k], (0, 0), point)
            joint.max_bias = 0
            rubs.append(joint)
        self.space.add(*rubs)
        return rubs

    def add_walls(self, pymunk) -> None:
        """Adds the bin's four walls."""
        (w, d), t = HALF, WALL
        for a, b in (((-w - t, -d - t), (-w - t, d + t)), ((w + t, -d - t), (w + t, d + t)),
                     ((-w - t, -d - t), (w + t, -d - t)), ((-w - t, d + t), (w + t, d + t))):  # fmt: skip
            wall = pymunk.Segment(self.space.static_body, a, b, t)
            wall.friction = 0.3
            self.space.add(wall)

    def add_finger(self, pymunk) -> None:
        """Adds the finger, and the kinematic body that pulls it with limited force."""
        x, y, _, turn = self.scene.start
        (w, d) = FINGER
        self.finger = pymunk.Body(FINGER_MASS, FINGER_MASS * (w * w + d * d) / 3)
        self.goal = pymunk.Body(body_type=pymunk.Body.KINEMATIC)
        for body in (self.finger, self.goal):
            body.position, body.angle = (x, y), turn
        corners = [(-w, -d), (w, -d), (w, d), (-w, d)]
        self.tip, self.probe = (pymunk.Poly(self.finger, corners, radius=0.01) for _ in range(2))
        self.tip.friction = 0.4
        pull = pymunk.PivotJoint(self.goal, self.finger, (0, 0), (0, 0))
        twist = pymunk.GearJoint(self.goal, self.finger, 0.0, 1.0)
        for joint, force in ((pull, FINGER_FORCE), (twist, FINGER_TORQUE)):
            joint.max_force, joint.error_bias = force, 0.0  # what one step leaves undone, the next one makes good
        self.masks, self.filter = 0, pymunk.ShapeFilter
        self.tip.filter = self.filter(mask=0)
        self.space.add(self.finger, self.goal, self.tip, pull, twist)

    def note_contact(self, arbiter) -> None:
        """Adds the object that the finger touches to `touched`."""
        if arbiter.shapes[1].collision_type == OBJECT_KIND:
            self.touched.add(arbiter.shapes[1].thing)

    @property
    def position(self) -> np.ndarray:
        return np.array([*self.finger.position, self.height, self.finger.angle])

    @property
    def poses(self) -> np.ndarray:
        """float64 (K, 3): x, y of the area's centroid, and angle, of every object."""
        poses = self.centres_of_mass()
        poses[:, :2] -= rotate(self.middles, poses[:, 2])
        return poses

    def centres_of_mass(self) -> np.ndarray:
        """float64 (K, 3): x, y of the centre of mass, and angle, of every object."""
        return np.array([(*body.position, body.angle) for body in self.bodies])

    def advance(self, action: np.ndarray) -> frozenset[int]:
        """Simulates one frame with the finger driven by `action` (4,): right, away, up, turn; returns the objects touched."""
        self.touched = set()
        self.goal.position, self.goal.angle = self.finger.position, self.finger.angle
        self.goal.velocity, self.goal.angular_velocity = tuple((action[:2] / FRAME_S).tolist()), float(action[3] / FRAME_S)
        self.update_friction()
        for _ in range(SUBSTEPS):
            self.lift(float(action[2]) / SUBSTEPS)
            self.space.step(FRAME_S / SUBSTEPS)
            self.finger.each_arbiter(self.note_contact)
        return frozenset(self.touched)

    def update_friction(self) -> None:
        """Sets the friction limits of objects that have moved, from the positions of their supports."""
        now = self.centres_of_mass()
        moved = np.flatnonzero((now != self.rubbed).any(1))
        places = now[moved, None, :2] + rotate(self.offsets[moved], now[moved, 2:])
        forces = self.weights[moved, None] * self.scene.friction(places)
        for k, anchors, limits in zip(moved, places.tolist(), forces.tolist()):
            for joint, anchor, limit in zip(self.rubs[k], anchors, limits):
                joint.anchor_a, joint.max_force = anchor, limit
        self.rubbed = now

    def lift(self, rise: float) -> None:
        """Moves the tip up or down by `rise`; it stops on an object below it, and can push the objects beside it."""
        self.height = min(max(self.height + rise, LOW), HIGH)
        tall = [k for k, height in enumerate(self.heights) if self.height < height]
        fresh = [k for k in tall if not self.masks & 1 << k]
        below = self.objects_below().intersection(fresh) if fresh else set()
        if below:
            self.height = max(self.heights[k] for k in below)
        masks = sum(1 << k for k in tall if k not in below and self.height < self.heights[k])
        if masks != self.masks:
            self.masks, self.tip.filter = masks, self.filter(mask=masks)

    def objects_below(self) -> set[int]:
        """Objects under the finger, at whatever height it is."""
        hits = self.space.shape_query(self.probe)
        return {hit.shape.thing for hit in hits if hit.shape.collision_type == OBJECT_KIND}


def rotate(points: np.ndarray, angle) -> np.ndarray:
    """points (..., 2) rotated anticlockwise by `angle` radians, which broadcasts over the leading axes."""
    c, s = np.cos(angle), np.sin(angle)
    x, y = points[..., 0], points[..., 1]
    return np.stack([c * x - s * y, s * x + c * y], -1)
