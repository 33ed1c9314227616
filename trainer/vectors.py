"""Where the vectors of bundles are: in the artifacts folder, or in the database that it names."""

from pathlib import Path

from retrieval import bundle
from retrieval.vectors.stores import VectorStores, vector_stores


def stores_of(artifacts: Path) -> VectorStores:
    """The vector stores of an artifacts folder, one for each bundle. Raises BundleDamaged for a wrong address."""
    return vector_stores(artifacts, bundle.vectors_url(artifacts))
