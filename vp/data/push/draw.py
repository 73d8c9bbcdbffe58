"""Renders poses as frames: the bin, the objects with their shadows, its near wall, and over them the arm with its shadow.

Objects and arm are separate layers: objects are drawn again only when one has moved.
"""

from __future__ import annotations

import numpy as np

from .arm import Joints, solve_joints
from .camera import SIZE
from .floor import draw_background, draw_near_wall
from .paint import SHADOW_SUPER, SUPER, average_down, composite_over, remaining_light
from .physics import FINGER, rotate
from .scene import Scene
from .solids import Block, Toy, Tube

ARM_LABEL = 255
OBJECT_SHADOW, ARM_SHADOW = 0.42, 0.34  # share of the light they take
BLUR, NEAR_BLUR, FAR_BLUR = 0.9, 0.7, 2.0  # px: of objects, of the gripper, of the links high above
STEEL, GRAPHITE, ORANGE = (np.array(c, float) for c in ((205, 210, 216), (58, 62, 70), (236, 112, 40)))


def render(scene: Scene, poses: np.ndarray, position: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Renders the frames of an episode.

    Args:
        poses: float64 (T, K, 3), x, y, angle of the objects.
        position: float64 (T, 4), x, y, height, turn of the finger.
        rng: decides the table's texture.

    Returns:
        frames uint8 (T, 64, 64, 3), RGB; labels uint8 (T, 64, 64): k + 1 where object k is visible, 255 the arm, 0 neither.
    """
    ground, wall = draw_background(scene, rng), draw_near_wall(scene)
    toys, shade, labels = draw_toy_layers(scene, poses)
    arm, arm_shade = draw_arm_layers(solve_joints(position))
    frames = np.empty((len(poses), SIZE, SIZE, 3), np.uint8)
    for t in range(len(poses)):
        picture = composite_over(wall, composite_over(toys[t], ground * shade[t][..., None]))
        picture = composite_over(arm[t], picture * arm_shade[t][..., None])
        frames[t] = np.clip(picture + 0.5, 0, 255)
        labels[t][wall[..., 3] > 127] = 0
        labels[t][arm[t][..., 3] > 127] = ARM_LABEL
    return frames, labels


def draw_toy_layers(scene: Scene, poses: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
    """Draws the objects of all frames.

    Returns:
        for each frame the objects float32 (64, 64, 4), RGB and coverage 0..255, and the share of light left on the table (64, 64)
        by their shadows; labels uint8 (T, 64, 64), k + 1 where object k is visible.
    """
    toys = [Toy(thing, poses[:, k]) for k, thing in enumerate(scene.things)]
    layers, shades, labels = [], [], np.zeros((len(poses), SIZE, SIZE), np.uint8)
    for t in range(len(poses)):
        if t and (poses[t] == poses[t - 1]).all():
            layers.append(layers[-1])
            shades.append(shades[-1])
            labels[t] = labels[t - 1]
            continue
        canvas, mask, hidden = blank_canvas(SUPER, 4), blank_canvas(SHADOW_SUPER), blank_canvas(SUPER)
        for k in np.argsort(-poses[t, :, 1]).tolist():  # from far to near
            toys[k].draw_shadow(mask, t)
            toys[k].draw(canvas, t)
            toys[k].cover(hidden, t, k + 1)
        layers.append(average_down(canvas))
        shades.append(remaining_light(mask, BLUR, OBJECT_SHADOW))
        labels[t] = hidden[SUPER // 2 :: SUPER, SUPER // 2 :: SUPER]
    return layers, shades, labels


def draw_arm_layers(arm: Joints) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """For each frame the arm float32 (64, 64, 4), RGB and coverage 0..255, and the share of light left by its shadow (64, 64)."""
    hand, links = gripper_blocks(arm), link_tubes(arm)
    layers, shades = [], []
    for t in range(len(arm.tip)):
        canvas, near, far = blank_canvas(SUPER, 4), blank_canvas(SHADOW_SUPER), blank_canvas(SHADOW_SUPER)
        for solids, mask in ((hand, near), (links, far)):
            for solid in solids:
                solid.draw(canvas, t)
                solid.draw_shadow(mask, t)
        layers.append(average_down(canvas))
        shades.append(remaining_light(near, NEAR_BLUR, ARM_SHADOW) * remaining_light(far, FAR_BLUR, ARM_SHADOW))
    return layers, shades


def blank_canvas(scale: int, *channels: int) -> np.ndarray:
    """Zeros uint8 at `scale` times the frame's size."""
    return np.zeros((SIZE * scale, SIZE * scale, *channels), np.uint8)


def gripper_blocks(arm: Joints) -> list[Block]:
    """Two closed fingers and the palm above them, which turn with the last joint."""
    w, d = FINGER
    box = np.array([(-w, -d), (w, -d), (w, d), (-w, d)])
    blocks = []
    for shape, low, high, colour in (
        (box * (0.46, 1.0) - (0.54 * w, 0), 0.0, 0.33, STEEL),
        (box * (0.46, 1.0) + (0.54 * w, 0), 0.0, 0.33, STEEL),
        (box * (1.25, 1.5), 0.30, 0.42, GRAPHITE),
    ):
        corners = arm.tip[:, None, :2] + rotate(shape[None], arm.turn[:, None])
        blocks.append(Block(corners, arm.tip[:, 2] + low, arm.tip[:, 2] + high, colour, [corners]))
    return blocks


def link_tubes(arm: Joints) -> list[Tube]:
    """The links and joints, from back to front."""
    return [
        Tube(arm.wrist, arm.palm, (0.085, 0.085), GRAPHITE),
        Tube(arm.wrist, arm.wrist, (0.11, 0.11), ORANGE),
        Tube(arm.elbow, arm.wrist, (0.125, 0.085), STEEL),
        Tube(arm.shoulder, arm.elbow, (0.17, 0.13), GRAPHITE),
        Tube(arm.elbow, arm.elbow, (0.155, 0.155), ORANGE),
    ]
