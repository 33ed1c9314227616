"""Rays against a solid: first hits, soft shadows and ambient occlusion, by sphere tracing (Hart 1996).

A ray may always step as far as the distance to the nearest surface. Points and directions are float32 [3, n],
directions of unit length; only rays that are still under way are computed on.
"""

import numpy as np

from trainer.sources.pottery.noise import Floats
from trainer.sources.pottery.solid import MARGIN, Solid

CLOSE = 0.0025  # a ray this near to the surface has hit it: about half a pixel
MAX_ACTIVE_SHARE = (
    0.8  # while more of the rays than this are under way, sorting the others out costs more than it saves
)
CARE = 0.9  # part of the distance that one step takes: the field is a little off near lips


def _through_box(low: Floats, high: Floats, origins: Floats, directions: Floats) -> tuple[Floats, Floats]:
    """Where rays enter and leave a box [n], [n]; they miss it where entering comes after leaving."""
    inverse = 1 / np.where(np.abs(directions) < 1e-6, np.float32(1e-6), directions)
    one = (low[:, None] - origins) * inverse
    other = (high[:, None] - origins) * inverse
    return np.maximum(np.minimum(one, other).max(0), 0), np.maximum(one, other).min(0)


def first_hits(solid: Solid, origin: Floats, directions: Floats, steps: int = 36) -> Floats:
    """Distance [n] along each ray from `origin` [3] to the solid; infinity for those that miss it."""
    enter, leave = _through_box(solid.low + MARGIN, solid.high - MARGIN, origin[:, None], directions)
    hits = np.full(len(enter), np.inf, np.float32)
    rays = np.flatnonzero(enter < leave)
    t, limit, heading = enter[rays], leave[rays], directions.take(rays, axis=1)
    for _ in range(6):  # most of the way in a few careless steps
        t = t + np.maximum(solid.clearance(origin[:, None] + t * heading), 0)
    for step in range(steps):
        distance = solid.distance(origin[:, None] + t * heading)
        # In the end, a ray that creeps along a wall seen edge on is as good as there.
        arrived = distance < (CLOSE if step < steps - 1 else 8 * CLOSE)
        t = t + np.where(arrived, distance, np.maximum(CARE * distance, 2 * CLOSE))
        there = np.flatnonzero(arrived & (t < limit))
        hits[rays[there]] = t[there]
        going = np.flatnonzero(~arrived & (t < limit))
        if not len(going):
            break
        if len(going) < MAX_ACTIVE_SHARE * len(rays):
            rays, t, limit, heading = rays[going], t[going], limit[going], heading.take(going, axis=1)
    return hits


def light_reaching(solid: Solid, points: Floats, toward: Floats, softness: float, steps: int = 32) -> Floats:
    """Share [n] of a lamp in direction `toward` [3] that reaches each point.

    A ray that passes a surface at distance h after a way t sees part of the lamp hidden, by h / t against the lamp's
    apparent half-width `softness` (Quilez's penumbra).
    """
    heading = np.broadcast_to(toward[:, None], points.shape)
    enter, leave = _through_box(solid.low, solid.high, points, heading)
    light = np.ones(points.shape[1], np.float32)
    rays = np.flatnonzero(enter < leave)
    t, limit, start = np.maximum(enter[rays], 0.012), leave[rays], points.take(rays, axis=1)
    visibility = np.ones(len(rays), np.float32)
    for _ in range(steps):
        distance = solid.distance(start + t * toward[:, None])
        visibility = np.where(t < limit, np.minimum(visibility, distance / (softness * t)), visibility)
        t = t + np.clip(0.85 * distance, 0.012, 0.18)
        going = np.flatnonzero((visibility > 0) & (t < limit))
        if len(going) < MAX_ACTIVE_SHARE * len(rays):
            light[rays] = visibility
            rays, t, limit, visibility = rays[going], t[going], limit[going], visibility[going]
            start = start.take(going, axis=1)
        if not len(going):
            break
    light[rays] = visibility
    light = np.clip(light, 0, 1)
    return light * light * (3 - 2 * light)


def openness(solid: Solid, points: Floats, normals: Floats) -> Floats:
    """How much of the surroundings each point sees, 0..1 [n]: the field along the normal, against free space."""
    hidden = np.zeros(points.shape[1], np.float32)
    for height, weight in ((0.025, 0.75), (0.07, 0.7), (0.16, 0.6), (0.32, 0.45)):
        free = np.minimum(solid.distance(points + normals * height), points[1] + normals[1] * height)
        hidden += weight * np.clip(1 - free / height, 0, 1.5)
    return np.asarray(0.12 + 0.88 * np.exp(-0.9 * hidden), np.float32)  # even a corner gets some stray light
