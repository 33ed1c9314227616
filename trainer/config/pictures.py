"""Which pictures, which of them are held out, and what of each is looked at."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from trainer.config.base import Section


class SourceConfig(Section):
    """Which pictures of the source are used."""

    dir: Path | None = None
    """Where a public data set already lies; None: it is downloaded into the artifacts folder."""
    min_images: Annotated[int, Field(ge=1)] = 1
    """Labels with fewer pictures are left out."""
    top_labels: Annotated[int, Field(ge=2)] | None = None
    """Only so many labels, those with the most pictures."""


class SplitConfig(Section):
    """Which pictures are held out to choose and to measure by."""

    by: Literal["image", "label", "column", "publisher"] = "image"
    """image: a share of each label's pictures. label: whole labels, to measure on new ones. column: whole values of an
    attribute, such as a sender. publisher: as the data set itself says."""
    column: str | None = None
    share: Annotated[float, Field(gt=0, le=0.5)] = 0.2

    @model_validator(mode="after")
    def _column_named(self) -> Self:
        if (self.by == "column") != (self.column is not None):
            raise ValueError('column names the attribute for by = "column", and for that alone')
        return self


FROM_FILE = ("yunet", "yolo")
"""Detectors that are read from a file that is named, or downloaded."""


class FacesConfig(Section):
    """Find a face in every picture, and let the encoder see that alone."""

    detector: Literal["haar", "mtcnn", "yunet", "yolo"] = "mtcnn"
    file: Path | None = None
    """The detector's ONNX file, for yunet and yolo; None: for yunet, what `lookalike download faces` has fetched."""
    min_size: Annotated[int, Field(ge=12)] = 40
    """Smallest face that is looked for, in pixels."""
    margin: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Around the face, as a share of its size; for crops that are not aligned."""
    align: bool = True
    """Bring the landmarks onto the encoder's template (Haar finds none: its faces are cropped upright)."""
    template: Literal["dlib", "arcface"] = "arcface"
    """Where the encoder expects the landmarks: as in dlib's or in ArcFace's own crops."""
    which: Literal["largest", "all"] = "largest"
    missing: Literal["skip", "whole"] = "skip"
    """A picture without a face: reported and left out, or used whole."""
    mirror: bool = False
    """Average each embedding with that of the mirrored picture."""

    @model_validator(mode="after")
    def _file_wanted(self) -> Self:
        if self.file is not None and self.detector not in FROM_FILE:
            raise ValueError(f"file names the model of {' or '.join(FROM_FILE)}; {self.detector} brings its own")
        if self.detector == "yolo" and self.file is None:
            raise ValueError("yolo needs file: the ONNX file of a YOLOv8-face network")
        return self
