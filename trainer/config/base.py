"""What all sections of the configuration share, and the sections of what follows training."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from retrieval.remote import database_url, storage_url
from retrieval.vectors.address import vectors_url_without_password

Share = Annotated[float, Field(gt=0, lt=1)]
Rate = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ExportConfig(Section):
    """The encoder file."""

    int8: bool = False
    """Static quantisation, measured; kept only where it costs no more than `int8_drop`."""
    int8_drop: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """Largest loss of mAP on held-out pictures, absolute."""


class StoreConfig(Section):
    """Where items, pictures, vectors and bundles are, if not in the artifacts folder; it remembers. No passwords."""

    catalogue_url: Annotated[str, AfterValidator(database_url)] | None = None
    """postgresql://user@host/database; None: what LOOKALIKE_CATALOGUE_URL says, or a file."""
    pictures_url: Annotated[str, AfterValidator(storage_url)] | None = None
    """s3://bucket/prefix, into which the pictures of the source are copied; None: what LOOKALIKE_PICTURES_URL says."""
    vectors_url: Annotated[str, AfterValidator(vectors_url_without_password)] | None = None
    """postgresql://user@host/database with pgvector, or milvus://host:port; None: LOOKALIKE_VECTORS_URL, or files."""
    artifacts_url: Annotated[str, AfterValidator(storage_url)] | None = None
    """s3://bucket/prefix, into which published bundles are copied; None: what LOOKALIKE_ARTIFACTS_URL says."""


class ReduceConfig(Section):
    """PCA and K-Means over the gallery's embeddings."""

    dims: Annotated[int, Field(ge=2, le=512)] = 128
    variance: Share | None = None
    """Keep fewer than dims where so many already explain this share of the variance."""
    clusters: Annotated[int, Field(ge=1)] | None = None
    """None: about 4 * sqrt(number of items)."""
    codes: Literal["none", "int8"] = "none"
    """`int8`: searches go through one byte for each number, in a quarter of the memory, and read the vectors of likely
    hits from the file. Answers are the same; a search takes longer."""


class SearchConfig(Section):
    """How the bundle is searched unless a request says otherwise."""

    expand: Annotated[int, Field(ge=0, le=50)] | Literal["auto"] = 0
    """Neighbours that a query is moved towards before it is searched with once more (alpha query expansion). `auto`:
    as many as are best on held-out pictures, none where that is no better; it costs a second search."""
