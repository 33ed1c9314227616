"""What each stage learns from, how long and how fast."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from trainer.config.base import Rate, Section, Share


def _listed(value: object) -> object:
    if value == []:
        raise ValueError("name at least one")
    return (value,) if isinstance(value, int) else value


Dims = Annotated[tuple[Annotated[int, Field(ge=2, le=2048)], ...], BeforeValidator(_listed)]


class AutoencoderConfig(Section):
    """Rebuild pictures from the last feature map: needs no labels."""

    enabled: bool = False
    frozen_epochs: Annotated[int, Field(ge=1)] = 3
    """The decoder alone."""
    epochs: Annotated[int, Field(ge=1)] = 3
    """Then with the encoder's last block."""
    pictures_per_batch: Annotated[int, Field(ge=2)] = 32
    learning_rate: Rate = 1e-3
    block_learning_rate: Rate = 1e-5
    ssim_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of SSIM in the loss; the rest is the mean squared error."""


class LossConfig(Section):
    """What makes an embedding good. Shared by the head and by fine-tuning."""

    loss: Literal["triplet", "proxy-anchor", "multi-similarity", "softmax", "nt-xent"] = "triplet"
    """nt-xent needs no labels, and is what pictures without labels are trained by whatever stands here."""
    miner: Literal["batch-hard", "semi-hard", "all"] = "batch-hard"
    margin: Annotated[float, Field(gt=0, le=2)] = 0.2
    """Of the triplet loss, in Euclidean distance between unit vectors."""
    temperature: Rate = 0.2
    """Of NT-Xent."""
    labels_per_batch: Annotated[int, Field(ge=2)] = 32
    pictures_per_label: Annotated[int, Field(ge=2)] = 8


class HeadConfig(LossConfig):
    """The linear embedding head, on cached features."""

    enabled: bool = True
    init: Literal["lda", "pca", "random"] = "lda"
    dims: Dims = (128,)
    """One number, or candidates of which validation picks one."""
    views: Annotated[int, Field(ge=0, le=32)] = 4
    """Augmented views of each picture, besides the clean one."""
    shrinkage: Annotated[tuple[Share, ...], Field(min_length=1)] = (0.02, 0.05, 0.1, 0.2, 0.4)
    """Candidates for the closed-form start; validation picks one."""
    general: Annotated[tuple[Annotated[float, Field(ge=0, lt=1)], ...], Field(min_length=1)] = (0.0, 0.3, 0.6, 0.9)
    """Candidates for the share of the similarity that comes from directions which hardly depend on the labels: what
    tells apart labels that training has not seen. Validation picks one. For init = "lda"."""
    general_dims: Annotated[int, Field(ge=2, le=1024)] = 256
    general_shrinkage: Share = 0.9
    new_label_loss: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """mAP that the head may cost labels which training has not seen, against the same network without it. More than
    nothing only where that network is so much better than the plain one that they gain all the same."""
    learning_rate: Rate = 3e-4
    max_epochs: Annotated[int, Field(ge=0)] = 60
    """0: the closed form alone."""
    patience_epochs: Annotated[int, Field(ge=1)] = 12


class FinetuneConfig(LossConfig):
    """The whole network, or its upper blocks, with the head."""

    enabled: bool = False
    loss: Literal["triplet", "proxy-anchor", "multi-similarity", "softmax", "nt-xent"] = "softmax"
    labels_per_batch: Annotated[int, Field(ge=2)] = 16
    pictures_per_label: Annotated[int, Field(ge=2)] = 4
    learning_rate: Rate = 1e-3
    """Of the head."""
    backbone_learning_rate: Rate = 3e-4
    warmup_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of all steps in which the rates rise; then they fall along a cosine."""
    max_epochs: Annotated[int, Field(ge=1)] = 6
    patience_epochs: Annotated[int, Field(ge=1)] = 3
    smallest_crop: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Smallest share of a picture's area that a random crop keeps."""
    erase: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Share of pictures with a random rectangle erased."""
