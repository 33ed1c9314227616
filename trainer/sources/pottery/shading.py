"""Light on glaze, clay, table and wall: what colour comes back along each ray (linear RGB).

One large lamp (a window or a soft box), the light of the room, and what table and wall throw back. Glaze mirrors all of
them as glass does (Fresnel, in Schlick's approximation), which is what makes it look wet.
"""

import numpy as np

from trainer.sources.pottery.backdrops import table_colour
from trainer.sources.pottery.glazes import Glaze, glazed, linear, mix
from trainer.sources.pottery.noise import Floats, smoothstep
from trainer.sources.pottery.scene import Scene
from trainer.sources.pottery.solid import Solid, Table
from trainer.sources.pottery.trace import first_hits, light_reaching, openness

LAMP_GLARE = 5.5  # brightness of the lamp's mirror image against a lit white wall
SHADOW_STEP = 0.02  # spacing of the points at which the light on the table is computed
WALL_BEHIND = 1.7  # from the table's edge to the wall, in piece heights


def table_light(solid: Solid, scene: Scene) -> tuple[Table, Table]:
    """What the pot leaves of the lamp and of the room on the table around it, over (x, z): 1 where all arrives."""
    shadow = -scene.lamp / scene.lamp[1] * solid.high[1]
    low, high = np.minimum(solid.low, solid.low + shadow), np.maximum(solid.high, solid.high + shadow)
    x = np.arange(low[0], high[0] + SHADOW_STEP, SHADOW_STEP, dtype=np.float32)
    z = np.arange(low[2], high[2] + SHADOW_STEP, SHADOW_STEP, dtype=np.float32)
    across, away = np.meshgrid(x, z)
    points = np.stack([across.ravel(), np.zeros(across.size, np.float32), away.ravel()])
    lamp = light_reaching(solid, points, scene.lamp, scene.lamp_size)
    up = np.broadcast_to(np.array([[0], [1], [0]], np.float32), points.shape)
    room = openness(solid, points, up)
    start = (float(low[0]), float(low[2]))
    return Table(lamp.reshape(across.shape), start, SHADOW_STEP), Table(room.reshape(across.shape), start, SHADOW_STEP)


def light_along(solid: Solid, glaze: Glaze, scene: Scene, on_table: tuple[Table, Table], directions: Floats) -> Floats:
    """Linear colour [3, n] seen from the camera in each direction [3, n]; `on_table` is `table_light`."""
    distances = first_hits(solid, scene.eye, directions)
    hit, missed = np.flatnonzero(np.isfinite(distances)), np.flatnonzero(np.isinf(distances))
    colours = np.empty_like(directions)
    colours[:, missed] = _surroundings(scene, on_table, directions.take(missed, axis=1))
    view = directions.take(hit, axis=1)
    colours[:, hit] = _pot(solid, glaze, scene, scene.eye[:, None] + distances[hit] * view, view)
    return colours * scene.exposure


def _pot(solid: Solid, glaze: Glaze, scene: Scene, points: Floats, directions: Floats) -> Floats:
    """Colour of points on the pot, seen along the directions."""
    normals = solid.normal(points)
    albedo, gloss = glazed(solid, glaze, points)
    lamp = scene.lamp[:, None]
    facing = (normals * lamp).sum(0)
    lit = np.zeros_like(facing)
    turned = np.flatnonzero(facing > -0.12)
    lit[turned] = light_reaching(solid, (points + normals * 0.006).take(turned, axis=1), scene.lamp, scene.lamp_size)
    open_sky = openness(solid, points, normals)
    table = linear(scene.backdrop.table)

    key = scene.lamp_colour * (np.clip((facing + 0.12) / 1.12, 0, 1) * lit)
    from_above = scene.sky_colour * (0.62 + 0.38 * normals[1])
    near_table = np.exp(-1.6 * np.clip(points[1], 0, None))
    from_below = (
        table * (scene.sky_colour + 0.28 * scene.lamp_colour) * ((0.5 - 0.5 * normals[1]) * (0.35 + 0.4 * near_table))
    )
    # Light that bounces inside a bright vessel fills it with its own colour.
    ambient = (from_above + from_below) * open_sky ** (1.15 - 0.55 * albedo)
    diffuse = albedo * (key * 0.72 + ambient)

    cosine = np.clip(-(normals * directions).sum(0), 0, 1)
    fresnel = 0.045 + 0.955 * (1 - cosine) ** 5 * (0.25 + 0.6 * gloss)
    mirrored = directions + 2 * cosine * normals
    glare = _room(scene, mirrored, gloss, lit) * (fresnel * (0.25 + 0.75 * gloss) * open_sky)
    return np.asarray(diffuse * (1 - 0.5 * fresnel) + glare, np.float32)


def _room(scene: Scene, directions: Floats, gloss: Floats, lit: Floats) -> Floats:
    """What a mirror sees in each direction: ceiling, wall, table, the lamp and a pale card across from it."""
    wall, table = linear(scene.backdrop.wall), linear(scene.backdrop.table)
    height = directions[1]
    ceiling = scene.sky_colour * 0.9
    room = mix(wall * scene.sky_colour * 0.8, ceiling, smoothstep(-0.1, 0.9, height))
    room = mix(table * (0.5 * scene.sky_colour + 0.25 * scene.lamp_colour), room, smoothstep(-0.25, 0.06, height))
    blur = 0.03 + 0.5 * (1 - gloss) ** 2
    lamp = _card(scene.lamp, directions, 0.42, 0.55, blur, scene.panes) * lit
    card = np.array([-scene.lamp[0], 0.35, -scene.lamp[2]], np.float32)
    fill = _card(card / np.linalg.norm(card), directions, 0.3, 1.0, blur + 0.12, panes=False)
    return room + scene.lamp_colour * (LAMP_GLARE * lamp + 0.55 * fill) / (1 + 3 * (1 - gloss))


def _card(toward: Floats, directions: Floats, wide: float, tall: float, blur: Floats, panes: bool) -> Floats:
    """How much of an upright bright rectangle in direction `toward` each mirrored ray meets, 0..1 [n]."""
    sideways = np.array([-toward[2], 0, toward[0]], np.float32)
    sideways /= np.sqrt((sideways * sideways).sum())
    upwards = np.cross(sideways, toward).astype(np.float32)
    ahead = (directions * toward[:, None]).sum(0)
    depth = np.maximum(ahead, 0.05)
    x = np.abs((directions * sideways[:, None]).sum(0) / depth)
    y = np.abs((directions * upwards[:, None]).sum(0) / depth)
    inside = smoothstep(wide + blur, wide - blur, x) * smoothstep(tall + blur, tall - blur, y)
    if panes:
        inside = inside * (1 - 0.85 * np.maximum(smoothstep(0.05 + blur, 0.02, x), smoothstep(0.05 + blur, 0.02, y)))
    return inside * smoothstep(0.05, 0.2, ahead)


def _surroundings(scene: Scene, on_table: tuple[Table, Table], directions: Floats) -> Floats:
    """Colour of table and wall behind the pot, with the pot's shadow [3, n]."""
    flat_right = scene.right[[0, 2]]
    flat_ahead = scene.forward[[0, 2]] / np.hypot(*scene.forward[[0, 2]])
    eye_ahead = float(scene.eye[[0, 2]] @ flat_ahead)
    ahead = directions[0] * flat_ahead[0] + directions[2] * flat_ahead[1]
    descent = np.minimum(directions[1], -1e-4)
    distance = -scene.eye[1] / descent
    b = np.minimum(eye_ahead + distance * ahead, 60)

    wall_b = scene.edge + (0.4 if scene.backdrop.is_sweep else WALL_BEHIND)
    reach = (wall_b - eye_ahead) / ahead
    wall = _wall(scene, scene.eye[1] + reach * directions[1])
    softness = 0.9 if scene.backdrop.is_sweep else 0.07
    share = smoothstep(scene.edge - softness, scene.edge + softness, b)  # out of focus, or the bend of the paper

    colours = np.broadcast_to(wall, directions.shape).copy()
    near = np.flatnonzero(share < 1)
    x, _, z = scene.eye[:, None] + distance[near] * directions.take(near, axis=1)
    lamp, room = (light(x, z) for light in on_table)
    light = scene.lamp_colour * (0.72 * scene.lamp[1] * lamp) + scene.sky_colour * (0.95 * room)
    pool = 1 - 0.1 * smoothstep(0.4, 2.6, np.hypot(x, z))
    table = table_colour(scene.backdrop, x * flat_right[0] + z * flat_right[1], b[near]) * light * pool
    colours[:, near] = mix(table, colours.take(near, axis=1), share[near])
    return colours


def _wall(scene: Scene, height: Floats) -> Floats:
    """The wall, brighter towards the lamp's height [3, n]."""
    light = 0.5 * scene.lamp_colour + scene.sky_colour * 0.9
    return linear(scene.backdrop.wall) * light * (0.72 + 0.2 * smoothstep(-0.5, 2.4, height))
