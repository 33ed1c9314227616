"""The report that a run writes at its end, into the bundle that is about to be published."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from retrieval.duplicates import CalibratedVectors
from retrieval.manifest import Manifest
from trainer.data.split import PART_NUMBERS
from trainer.evaluation.inputs.training_split import learned_from
from trainer.health.check import check as check_catalogue
from trainer.indexing import GalleryIndex
from trainer.report.model import Report
from trainer.report.published import describe
from trainer.report.write import write_report
from trainer.run.assess import Assessment
from trainer.sources.base import Skipped
from trainer.training.tuning import Tuning


def report_run(
    tuning: Tuning, reduced: GalleryIndex, assessment: Assessment, manifest: Manifest, skipped: Sequence[Skipped]
) -> None:
    """Check the catalogue, and write the report into the run's folder. `manifest` need not list any file yet."""
    pictures = [file.picture for file in tuning.pictures.files]
    parts, calibration = tuning.pictures.parts, assessment.calibration
    things = None
    if calibration is not None and calibration.meaning == "label":
        things = CalibratedVectors(reduced.vectors, calibration.cosine)
    with tuning.listener.step("Checking the catalogue") as progress:
        catalogue_health = check_catalogue(
            pictures, tuning.frozen, parts, skipped, progress, things=things, seed=tuning.config.seed
        )
    folder = tuning.work / "report"
    learned = [number for part, number in PART_NUMBERS.items() if part in learned_from(tuning.reached)]
    report = Report(
        bundle_id=manifest.id,
        created=datetime.now(UTC),
        facts=describe(manifest),
        pictures=pictures,
        vectors=reduced.vectors,
        clusters=reduced.assigned,
        held_out=~np.isin(parts, learned),
        scores=manifest.metrics,
        intervals=manifest.intervals,
        history=tuning.history,
        evaluation=assessment.evaluation,
        health=catalogue_health,
        sheets=folder,
    )
    with tuning.listener.step("Writing the report") as progress:
        write_report(folder, report, progress)
