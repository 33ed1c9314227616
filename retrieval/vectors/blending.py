"""Query vectors made of other vectors: weighted sums, and expansion by what was found.

Directions are blended, because lengths differ and say little; the length is then given back, as the Euclidean distance
compares it. So a blend of one vector is that vector.
"""

import numpy as np

from retrieval.clusters import Doubles, Vectors, lengths_of

ALPHA = 3.0
"""The power of the cosine in alpha query expansion, as in the paper."""
FAINT = 1e-6
"""A sum of directions that is shorter than this share of its weights has cancelled out, and points nowhere."""


def blend(vectors: Vectors, weights: Doubles) -> Vectors:
    """The weighted sum of the directions of vectors [n, d], weights [n], as a vector float32 [d].

    As long as the vectors are on average, by the size of their weights. Raises ValueError if they cancel out.
    """
    lengths = lengths_of(vectors)
    directions = np.divide(vectors, lengths[:, None], out=np.zeros(vectors.shape), where=lengths[:, None] > 0)
    total = weights @ directions
    size, shares = float(np.linalg.norm(total)), np.abs(weights)
    if not size > FAINT * shares.sum():
        raise ValueError("the vectors cancel out")
    blended: Vectors = (total / size * (shares @ lengths / shares.sum())).astype(np.float32)
    return blended


def expand(query: Vectors, neighbours: Vectors) -> Vectors:
    """The query [d] moved towards its nearest neighbours [n, d], and as long as before; float32 [d].

    Alpha query expansion (Radenović, Tolias and Chum 2018, "Fine-tuning CNN Image Retrieval with No Human Annotation"):
    the sum of the query's direction and the neighbours', each of these weighted with its cosine to the power of alpha.
    Those on the other side of the query add nothing.
    """
    length, lengths = float(lengths_of(query[None])[0]), lengths_of(neighbours)
    if length == 0:
        return query
    products = neighbours.astype(np.float64) @ query.astype(np.float64)
    cosines = np.divide(products, lengths * length, out=np.zeros_like(products), where=lengths > 0)
    weights = np.append(1.0, np.clip(cosines, 0, 1) ** ALPHA)
    moved = blend(np.concatenate([query[None], neighbours]), weights).astype(np.float64)
    expanded: Vectors = (moved / lengths_of(moved[None])[0] * length).astype(np.float32)
    return expanded
