"""The photographer's choices for one picture: camera, lamp, backdrop, film."""

from dataclasses import dataclass

import numpy as np

from trainer.sources.pottery.backdrops import BACKDROPS, Backdrop
from trainer.sources.pottery.noise import Floats
from trainer.sources.pottery.solid import MARGIN, Solid

VIEW = 0.22  # tangent of half the field of view: a short telephoto lens, as for portraits


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything about a photograph but the piece. The piece stays put; the camera and the table go round it."""

    eye: Floats  # [3] where the camera is
    right: Floats  # [3] the camera's axes
    up: Floats
    forward: Floats
    lamp: Floats  # [3] unit vector towards the main light
    lamp_colour: Floats  # [3, 1] linear
    sky_colour: Floats  # [3, 1] light from the room
    lamp_size: float  # tangent of half its width: small lamps throw hard shadows
    panes: bool  # whether the lamp is a window with a cross in it
    backdrop: Backdrop
    edge: float  # where the table ends, in piece heights behind the piece
    exposure: float
    grain: float  # standard deviation of the noise, of 255
    blur: float  # radius in pixels of a 288 px picture


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / np.sqrt((vector * vector).sum()), np.float32)


def _toward(turn: float, rise: float) -> Floats:
    """Unit vector at an angle around the axis and an angle above the table, in radians."""
    return np.array([np.cos(rise) * np.cos(turn), np.sin(rise), np.cos(rise) * np.sin(turn)], np.float32)


def arrange(solid: Solid, rng: np.random.Generator, turned: float = 0.0) -> Scene:
    """Draws a scene that shows the whole piece, with the piece turned by this many radians."""
    low, high = solid.low + MARGIN, solid.high - MARGIN
    centre, size = (low + high) / 2, high - low
    rise = np.radians(rng.uniform(24, 58) if solid.form.is_open else rng.uniform(7, 36))
    turn = rng.uniform(0, 2 * np.pi) + turned
    toward_eye = _toward(turn, rise)
    forward = -toward_eye
    right = _unit(np.cross(forward, np.array([0, 1, 0], np.float32)))
    up = np.cross(right, forward).astype(np.float32)

    across = max(size[0], size[2])
    tall = size[1] * np.cos(rise) + across * np.sin(rise)
    distance = 0.5 * max(across, tall) / (rng.uniform(0.68, 0.88) * VIEW) + across / 2
    slip = rng.uniform(-0.05, 0.05, 2).astype(np.float32) * distance * VIEW * 2
    eye = (centre + toward_eye * distance + right * slip[0] + up * (slip[1] + 0.02)).astype(np.float32)

    side = rng.choice([-1, 1]) * np.radians(rng.uniform(35, 115))
    warm = rng.uniform(-1, 1)  # candle .. overcast sky
    lamp_colour = np.array([[1 + 0.09 * warm], [1.0], [1 - 0.13 * warm]], np.float32)
    return Scene(
        eye=eye,
        right=right,
        up=up,
        forward=forward,
        lamp=_toward(turn + side, np.radians(rng.uniform(32, 62))),
        lamp_colour=lamp_colour * np.float32(rng.uniform(2.0, 2.5)),
        sky_colour=np.array([[0.97 - 0.03 * warm], [1.0], [1.03 + 0.05 * warm]], np.float32)
        * np.float32(rng.uniform(0.48, 0.68)),
        lamp_size=rng.uniform(0.18, 0.42),
        panes=bool(rng.random() < 0.35),
        backdrop=BACKDROPS[rng.integers(len(BACKDROPS))],
        edge=rng.uniform(1.2, 2.4),
        exposure=rng.uniform(1.0, 1.25),
        grain=rng.uniform(0.5, 2.0),
        blur=float(max(0.0, rng.uniform(-0.5, 0.75))),
    )


def rays(scene: Scene, x: Floats, y: Floats) -> Floats:
    """Unit directions [3, n] through points of the picture; x to the right and y up, -1..1."""
    across, upwards = VIEW * x, VIEW * y
    heading = scene.forward[:, None] + across * scene.right[:, None] + upwards * scene.up[:, None]
    return np.asarray(heading / np.sqrt((heading * heading).sum(0)), np.float32)
