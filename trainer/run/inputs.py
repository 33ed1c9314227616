"""What a run starts from, read and checked without TensorFlow: a user's mistake is told before anything slow begins."""

from dataclasses import dataclass, replace
from pathlib import Path

from retrieval.durable import check_writable
from trainer.config import Config, EncoderConfig
from trainer.data.split import split
from trainer.errors import SourceError, WeightsError
from trainer.progress import Listener
from trainer.run.corrections import corrected, corrections_note, read_corrections
from trainer.sources import read_source
from trainer.sources.base import Listing
from trainer.sources.copies import all_one_file
from trainer.sources.face_models import with_models

BUILT_IN_WEIGHTS = ("imagenet", "none")


@dataclass(frozen=True, slots=True)
class Inputs:
    """A source that has been read, the configuration to train by, and the folder that the result goes to."""

    source: str
    listing: Listing
    config: Config
    artifacts: Path

    @property
    def holds_out(self) -> bool:
        """Whether anything is chosen on held-out pictures."""
        return _holds_out(self.config)


def read_inputs(source: str, config: Config, artifacts: Path, listener: Listener) -> Inputs:
    """Read the source, which may render or download it into `artifacts`, and check what the configuration names.

    Raises FolderNotWritable for the artifacts folder, WeightsError for a file of the encoder that is not there, and
    SourceError for a source without usable pictures or with nothing to hold out.
    """
    check_writable(artifacts)
    config = with_files(config, artifacts)
    with listener.step("Finding pictures") as progress:
        listing = read_source(source, artifacts, config.source, progress=progress)
    if config.faces is None:  # of faces, the items are known once they are found
        pictures, count = corrected(listing.pictures, read_corrections(artifacts))
        listing = replace(listing, pictures=pictures, notes=[*listing.notes, *corrections_note(count)])
    for note in listing.notes:
        listener.note(note)
    if _holds_out(config):
        if all_one_file(listing.pictures):
            raise SourceError(
                f"All {len(listing.pictures)} pictures of {source} are copies of one file, so there is nothing to "
                "learn from them. Add other pictures, or use --config frozen to search without tuning."
            )
        if not split(listing.pictures, config.split, config.seed).any():
            raise SourceError(
                f"Of {source}, {len(listing.pictures)} can be used, and training takes three pictures: two to learn "
                "from and one to check with. Add pictures, or use --config frozen to search without tuning."
            )
    return Inputs(source, listing, config, artifacts)


def _holds_out(config: Config) -> bool:
    return any((config.autoencoder.enabled, config.head.enabled, config.finetune.enabled, config.export.int8))


def with_files(config: Config, artifacts: Path) -> Config:
    """The configuration with the places of downloaded models, once every file that it names is known to be there.

    Raises WeightsError where one is not, BundleDamaged where the face detector's is no detector.
    """
    config = with_models(config, artifacts)
    _check_encoder_files(config.encoder)
    if config.faces is not None and config.faces.file is not None:
        from trainer.networks.face_detectors import face_stage  # brings OpenCV, for which most runs have no use

        face_stage(config.faces).opener(str(config.faces.file))
    return config


def _check_encoder_files(encoder: EncoderConfig) -> None:
    for member in encoder.ensemble or (encoder,):
        if member.onnx is not None and not member.onnx.is_file():
            raise WeightsError(f"There is no ONNX model {member.onnx}. It is what onnx names under [encoder].")
        if member.onnx is None and member.weights not in BUILT_IN_WEIGHTS and not Path(member.weights).is_file():
            raise WeightsError(
                f'There is no weights file {member.weights}. Set weights to "imagenet", "none" or a file.'
            )
