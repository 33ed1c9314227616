"""A form as a solid: how far any point in space is from its surface, and where on the wall it lies.

The body is a surface of revolution, so its distance field is a table over (radius, height); the handle is a strap swept
along a curve in the plane z = 0, so its field is a table over (x, y). y is up, the foot stands on y = 0.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from trainer.sources.pottery.forms import Form, Profile
from trainer.sources.pottery.noise import Floats, smoothstep

STEP = 0.006  # spacing of the tables, in piece heights: about a pixel
MARGIN = 0.34  # how far beyond the solid the tables reach
SPAN = 48  # points of a curve between two knots: fine enough that no facet shows in a reflection
STRAP_WIDTH = 0.036  # half the flat width of a handle
STRAP_RADIUS = 0.026  # half its thickness


@dataclass(frozen=True, slots=True)
class Table:
    """A function of two numbers, sampled on a square grid."""

    values: Floats  # [rows of the second number, columns of the first]
    start: tuple[float, float]
    step: float = STEP

    def __call__(self, first: Floats, second: Floats) -> Floats:
        """Bilinear interpolation; beyond the grid, the value at its border."""
        rows, columns = self.values.shape
        u = np.clip((first - self.start[0]) * (1 / self.step), 0, columns - 1.01)
        v = np.clip((second - self.start[1]) * (1 / self.step), 0, rows - 1.01)
        i, j = u.astype(np.intp), v.astype(np.intp)
        u -= i
        v -= j
        flat = self.values.ravel()
        corner = j * columns + i
        low, low_next = flat.take(corner), flat.take(corner + 1)
        corner += columns
        high, high_next = flat.take(corner), flat.take(corner + 1)
        low += u * (low_next - low)
        high += u * (high_next - high)
        return np.asarray(low + v * (high - low), np.float32)

    def roughly(self, first: Floats, second: Floats) -> Floats:
        """The value of a grid point less than one step away; many times faster."""
        rows, columns = self.values.shape
        i = ((first - self.start[0]) * (1 / self.step)).astype(np.intp)
        j = ((second - self.start[1]) * (1 / self.step)).astype(np.intp)
        place = np.clip(j, 0, rows - 1) * columns + np.clip(i, 0, columns - 1)
        return np.asarray(self.values.ravel().take(place), np.float32)


@dataclass(frozen=True, slots=True)
class Solid:
    """The tables of one form. Points are float32 [3, n]."""

    form: Form
    low: Floats  # [3] corners of the box that holds the solid and MARGIN around it
    high: Floats
    to_wall: Table  # (radius, height) -> distance to the middle line of the wall
    along: Table  # -> 0 at the centre of the floor, 1 at the rim
    across: Table  # -> signed distance from the middle line: positive outside, negative inside
    rise: tuple[Floats, Floats]  # heights of the wall, and `along` there
    to_handle: Table | None  # (x, y) -> distance to the handle's curve
    foot: float  # `along` where the glaze begins
    length: float  # of the wall's middle line

    def distance(self, points: Floats) -> Floats:
        """Distance to the surface, negative in the clay [n]; never more than the truth."""
        x, y, z = points
        body = self.to_wall(self._radius(points), y) - self.form.wall / 2
        if self.form.lip:
            body *= 0.7  # the pull at the lip stretches space, and a step must stay on the safe side
        if self.to_handle is None:
            return body
        sideways = np.maximum(np.abs(z) - STRAP_WIDTH, 0)
        handle = np.sqrt(sideways * sideways + self.to_handle(x, y) ** 2) - STRAP_RADIUS
        blend = np.maximum(0.05 - np.abs(body - handle), 0)  # the potter smooths the join with a thumb
        return np.asarray(np.minimum(body, handle) - blend * blend * 5, np.float32)

    def clearance(self, points: Floats) -> Floats:
        """A distance that is certainly free around each point of the box [n]: cheap, and up to three STEPs short."""
        x, y, z = points
        free = self.to_wall.roughly(self._radius(points), y) - self.form.wall / 2
        if self.form.lip:
            free *= 0.7
        if self.to_handle is not None:
            sideways = np.maximum(np.abs(z) - STRAP_WIDTH, 0)
            handle = np.maximum(self.to_handle.roughly(x, y) - 1.5 * STEP, 0)
            free = np.minimum(free, np.sqrt(sideways * sideways + handle * handle) - STRAP_RADIUS - 0.0125)
        return free - 1.5 * STEP

    def normal(self, points: Floats) -> Floats:
        """Outward unit normals [3, n], from four samples at the corners of a tetrahedron."""
        total = np.zeros_like(points)
        for corner in ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)):
            direction = np.array(corner, np.float32)[:, None]
            total += direction * self.distance(points + direction * 0.005)
        return np.asarray(total / np.maximum(np.sqrt((total * total).sum(0)), 1e-9), np.float32)

    def wall(self, points: Floats) -> tuple[Floats, Floats, Floats]:
        """Where on the surface points lie, [n] each.

        How far along the wall (0 foot .. 1 rim; under the foot less than 0; on a handle, that of the wall beside it),
        how far across it (positive outside, negative inside), and whether on the wall (1) or on the handle (0).
        """
        radius, height = self._radius(points), points[1]
        along, across = self.along(radius, height), self.across(radius, height)
        on_wall = smoothstep(0.02, 0.01, across - self.form.wall / 2)
        if self.to_handle is not None:
            along += (1 - on_wall) * (np.interp(height, *self.rise).astype(np.float32) - along)
        return (along - self.foot) / (1 - self.foot), across, on_wall

    def _radius(self, points: Floats) -> Floats:
        x, y, z = points
        radius = np.sqrt(x * x + z * z)
        if self.form.lip:
            top = self.form.profile[-1][1]
            toward = np.clip(-x / (radius + 1e-6), 0, 1) ** 12
            radius = radius - self.form.lip * toward * smoothstep(top - 0.2, top + 0.02, y)
        return np.asarray(radius, np.float32)


def _spline(points: Profile, per_span: int) -> Floats:
    """A smooth curve through the points (Catmull-Rom), [m, 2]."""
    knots = np.array(points, np.float64)
    knots = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    t = np.linspace(0, 1, per_span, endpoint=False)[:, None]
    spans = []
    for a, b, c, d in zip(knots, knots[1:], knots[2:], knots[3:], strict=False):
        spans.append(b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))))
    return np.vstack([*spans, knots[-2:-1]]).astype(np.float32)


def _tables(curve: Floats, low: Floats, high: Floats) -> tuple[Table, Table, Table, float]:
    """Distance to a curve [m, 2], position along it (0..1), signed offset from it; and the curve's length."""
    first = np.arange(low[0], high[0] + STEP, STEP, dtype=np.float32)
    second = np.arange(low[1], high[1] + STEP, STEP, dtype=np.float32)[:, None]
    squared = ((second - curve[:, 1]) ** 2)[:, None] + ((first[:, None] - curve[:, 0]) ** 2)[None]
    nearest = squared.argmin(axis=2)
    steps = np.diff(curve, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    headings = steps / lengths[:, None]
    travelled = np.concatenate([[0], np.cumsum(lengths)]).astype(np.float32)

    best = np.full(nearest.shape, np.inf, np.float32)
    along, across = np.zeros_like(best), np.zeros_like(best)
    for segment in (np.maximum(nearest - 1, 0), np.minimum(nearest, len(steps) - 1)):  # on either side of that point
        u, v = first - curve[:, 0].take(segment), second - curve[:, 1].take(segment)
        ahead_u, ahead_v = headings[:, 0].take(segment), headings[:, 1].take(segment)
        ahead = u * ahead_u + v * ahead_v
        within = np.clip(ahead, 0, lengths.take(segment))
        aside = u * ahead_v - v * ahead_u
        distance = np.sqrt(aside**2 + (ahead - within) ** 2)
        closer = distance < best
        best = np.where(closer, distance, best)
        along = np.where(closer, travelled.take(segment) + within, along)
        across = np.where(closer, aside, across)
    start, length = (float(low[0]), float(low[1])), float(travelled[-1])
    return Table(best, start), Table(along / length, start), Table(across, start), length


def _handle(form: Form, wall: Floats) -> Floats:
    """The handle's curve [m, 2]: out of the wall above, round, and back into the wall below."""
    if form.handle is None:
        return np.zeros((0, 2), np.float32)
    below, above, reach = form.handle
    ends = [float(np.interp(height, wall[:, 1], wall[:, 0])) for height in (below, above)]
    tall = above - below
    widest = max(ends) + reach
    knots = (
        (ends[1] - 0.005, above),
        (ends[1] + 0.55 * (widest - ends[1]), above + 0.05 * tall),
        (widest, above - 0.28 * tall),
        (ends[0] + 0.66 * (widest - ends[0]), below + 0.22 * tall),
        (ends[0] - 0.005, below),
    )
    return _spline(knots, SPAN)


@lru_cache(maxsize=4)  # the photographs of a piece are taken one after another
def solid_of(form: Form) -> Solid:
    """The tables of a form (tens of milliseconds)."""
    half = form.wall / 2
    foot_radius = form.profile[0][0]
    curve = _spline(((0, 0), (0.6 * foot_radius, 0), *form.profile), SPAN) + np.array([0, half], np.float32)
    wall = curve[2 * SPAN :]
    wall[:, 0] += form.rings * np.sin(2 * np.pi * wall[:, 1] / 0.06)
    handle = _handle(form, wall)

    radius, top = float(curve[:, 0].max()) + half, float(curve[:, 1].max()) + half
    right = max(radius, float(handle[:, 0].max()) + STRAP_RADIUS) if len(handle) else radius
    low = np.array([-radius - form.lip - MARGIN, -MARGIN, -radius - MARGIN], np.float32)
    high = np.array([right + MARGIN, top + MARGIN, radius + MARGIN], np.float32)
    reach = np.array([max(right, radius + form.lip) + MARGIN, high[1]], np.float32)

    to_wall, along, across, length = _tables(curve, np.array([-2 * STEP, low[1]], np.float32), reach)
    to_handle = _tables(handle, low[:2], high[:2])[0] if len(handle) else None
    foot = 0.0 if form.is_open else foot_radius / length
    rise = (wall[:, 1], along(wall[:, 0], wall[:, 1]))
    return Solid(form, low, high, to_wall, along, across, rise, to_handle, foot, length)
