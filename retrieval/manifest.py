"""manifest.json: what a bundle says about itself."""

import json
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from retrieval.errors import BundleDamaged, BundleIncompatible

FORMAT_VERSION = 1

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
    stage: Literal["frozen", "head"]


class Counts(_Part):
    """How much the bundle was made from."""

    items: Count
    labels: Count
    clusters: Count


class FileEntry(_Part):
    """One file of the bundle, as it was written."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Count


class Manifest(_Part):
    """The whole description. `metrics` maps a stage to its measures on the held-out pictures of the run."""

    format_version: Literal[1] = 1
    id: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$")]
    created: datetime
    encoder: EncoderSpec
    dims: Annotated[int, Field(gt=0)]
    counts: Counts
    metrics: dict[str, dict[str, float]]
    versions: dict[str, str]
    files: dict[str, FileEntry]


def parse(text: bytes, where: str) -> Manifest:
    """Read a manifest; `where` names the file in errors.

    Raises BundleIncompatible for another format version and BundleDamaged for anything else that does not fit.
    """
    try:
        fields = json.loads(text)
        version = fields["format_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleDamaged(f"{where} is not a manifest ({error}). Publish another bundle, or train again.") from error
    if version != FORMAT_VERSION:
        raise BundleIncompatible(
            f"{where} has format version {version!r}; this version of Lookalike reads {FORMAT_VERSION}. "
            "Train again with this version, or serve the bundle with the version that wrote it."
        )
    try:
        return Manifest.model_validate(fields)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BundleDamaged(f"{where} does not fit its format ({problems}).") from error
