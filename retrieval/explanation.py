"""Which parts of a picture make up its similarity with another: the cosine, split over the encoder's cells.

The embedding is the mean of the cells up to scale, and everything after it but the scaling to length one is linear. So
a vector is the sum of what its cells contribute, less the projection's mean, of which every cell takes an equal share:
it is of no place. The cosine with another vector is then a sum over the cells, exactly (as in class activation mapping,
Zhou et al. 2016, "Learning Deep Features for Discriminative Localization").
"""

import numpy as np
from numpy.typing import NDArray

from retrieval.clusters import Doubles, Vectors
from retrieval.encoding.projection import Projection

STRAY = 0.05
"""How far the cells' own vector may lie from the vector, as a share of its length: an encoder in int8 rounds."""


def split(projection: Projection, cells: NDArray[np.float32], vector: Vectors, other: Vectors) -> Doubles:
    """What each cell of a picture adds to the cosine of its vector [d] with another one [d].

    `cells` float32 [h, w, e] of the picture; gives float64 [h, w], whose sum is the cosine. What rounding leaves
    between the vector and its cells is shared out like the mean. Raises ValueError if the vector is not that of the
    cells, or one of the vectors is zero.
    """
    flat = cells.reshape(-1, cells.shape[-1]).astype(np.float64)
    axes, own, against = (rows.astype(np.float64) for rows in (projection.components, vector, other))
    length = np.linalg.norm(flat.sum(axis=0))
    lengths = np.linalg.norm(own) * np.linalg.norm(against)
    if not length > 0 or not lengths > 0:
        raise ValueError("a picture of no direction has no similarity to split")
    parts = flat / length @ axes.T
    rest = own - parts.sum(axis=0)
    if np.linalg.norm(rest + axes @ projection.mean) > STRAY * np.linalg.norm(own):
        raise ValueError("the vector is not the one of these cells")
    shares: Doubles = (parts + rest / len(flat)) @ against / lengths
    return shares.reshape(cells.shape[:2])
