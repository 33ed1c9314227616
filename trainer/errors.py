"""What a person who trains can get wrong. Each message says how to mend it; the command line prints it and exits 1.

LookalikeError (retrieval)
└── TrainerError
    ├── ConfigError         the configuration file: an unknown key, a value out of range
    ├── SourceError         no pictures, no labels, a folder or CSV that is not one
    ├── WeightsError        pretrained weights that cannot be read or reached
    ├── TrainingCollapsed   every embedding has become the same
    ├── ParityError         the exported network does not compute what Keras computes
    ├── EvaluationDamaged   a file that is to hold an evaluation, but does not
    ├── LearningError       nothing to learn from, or a bundle that cannot be refitted
    ├── BulkError           workers that cannot be reached or have failed, or a shard that is damaged
    ├── PeopleError         faces that cannot be grouped, or a group or name that is none
    ├── BackupError         a backup that cannot be made, or is damaged, or may not be restored here
    └── ReleaseError        a bundle that cannot go live, or nothing to go back to
        └── PublisherBusy   somebody else is publishing
"""

from retrieval.errors import LookalikeError


class TrainerError(LookalikeError):
    """The root of all that stops a training run on purpose."""


class ConfigError(TrainerError):
    """The configuration cannot be used as it is."""


class SourceError(TrainerError):
    """The pictures or their labels are not what training needs."""


class WeightsError(TrainerError):
    """Pretrained weights cannot be read or reached."""


class TrainingCollapsed(TrainerError):
    """All embeddings are (nearly) the same, so no distance means anything."""


class ParityError(TrainerError):
    """The exported ONNX file and the Keras model disagree."""


class EvaluationDamaged(TrainerError):
    """A file does not hold the evaluation that it should."""


class LearningError(TrainerError):
    """There is nothing to learn from, or the live bundle cannot be refitted."""


class BulkError(TrainerError):
    """Many pictures cannot be embedded as asked."""


class PeopleError(TrainerError):
    """Faces cannot be grouped or named as asked."""


class BackupError(TrainerError):
    """A backup cannot be made, or not be restored."""


class ReleaseError(TrainerError):
    """What is live cannot be changed as asked."""


class PublisherBusy(ReleaseError):
    """Somebody else is changing what is live."""
