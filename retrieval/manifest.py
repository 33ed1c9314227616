"""manifest.json: what a bundle says about itself."""

import json
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from retrieval.errors import BundleDamaged, BundleIncompatible
from retrieval.faces.spec import FaceSpec
from retrieval.images import Fit

FORMAT_VERSIONS = (1, 2, 3, 4)
"""Those that are read; the last one is written.

2 added faces, split, report/ and the encoder's precision; 3 added calibration.npz; 4 added
the encoder's fit and the preset."""

Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EncoderSpec(_Part):
    """Which network the encoder is, and what it takes and gives."""

    name: str
    weights: str
    height: Annotated[int, Field(gt=0)]
    width: Annotated[int, Field(gt=0)]
    dims: Annotated[int, Field(gt=0)]
    stage: Literal["frozen", "autoencoder", "head", "finetune"]
    precision: Literal["float32", "int8"] = "float32"
    fit: Fit = "whole"
    """What of a picture it is given (images.arrange)."""


class Counts(_Part):
    """How much the bundle was made from."""

    items: Count
    labels: Count
    clusters: Count


class Expansion(_Part):
    """Alpha query expansion by so many neighbours, unless a request says otherwise.

    `gain`: by how much mAP rises on held-out pictures, None where nobody measured it. `milliseconds`: what it adds to a
    search.
    """

    neighbours: Annotated[int, Field(ge=1, le=50)]
    gain: float | None = None
    milliseconds: Annotated[float, Field(ge=0)] | None = None


class FileEntry(_Part):
    """One file of the bundle, as it was written."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Count


class Manifest(_Part):
    """The whole description. `metrics` maps a stage to its measures on the held-out pictures of the run."""

    format_version: Literal[1, 2, 3, 4] = 4
    id: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$")]
    created: datetime
    encoder: EncoderSpec
    faces: FaceSpec | None = None
    """What the encoder sees; None: whole pictures."""
    dims: Annotated[int, Field(gt=0)]
    counts: Counts
    metrics: dict[str, dict[str, float]]
    intervals: dict[str, dict[str, tuple[float, float]]] = {}
    """The 95 % intervals of measures in `metrics`, both ends; bundles of before 2026-12 have none."""
    split: dict[str, str | float] | None = None
    """How pictures were held out for the metrics, such as by = "image", share = 0.2."""
    preset: str | None = None
    """The name of the ready choice between quality and speed that it was made by, such as balanced."""
    expansion: Expansion | None = None
    """How a query is moved before it is searched with; None: it is not. Bundles of before 2026-12 have none."""
    versions: dict[str, str]
    files: dict[str, FileEntry]

    @model_validator(mode="after")
    def _has_what_its_version_has(self) -> Self:
        if self.format_version == 1 and (self.faces or self.split or self.encoder.precision != "float32"):
            raise ValueError("format version 1 has no faces, split or precision")
        if self.format_version < 4 and (self.encoder.fit != "whole" or self.preset):
            raise ValueError("format versions before 4 have no fit and no preset")
        return self


def parse(text: bytes, where: str) -> Manifest:
    """Read a manifest; `where` names the file in errors.

    Raises BundleIncompatible for another format version and BundleDamaged for anything else that does not fit.
    """
    try:
        fields = json.loads(text)
        version = fields["format_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleDamaged(f"{where} is not a manifest ({error}). Publish another bundle, or train again.") from error
    if version not in FORMAT_VERSIONS:
        versions = f"{', '.join(map(str, FORMAT_VERSIONS[:-1]))} and {FORMAT_VERSIONS[-1]}"
        raise BundleIncompatible(
            f"{where} has format version {version!r}; this version of Lookalike reads {versions}. "
            "Train again with this version, or serve the bundle with the version that wrote it."
        )
    try:
        return Manifest.model_validate(fields)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BundleDamaged(f"{where} does not fit its format ({problems}).") from error
