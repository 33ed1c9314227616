"""The health of the catalogue: broken and doubled files, labels that are probably wrong, and what else is odd."""

from trainer.health.check import check
from trainer.health.csv_files import HEALTH_TABLES, csv_tables
from trainer.health.findings import Copies, Health, LeakedPicture, Outlier, SmallLabel, WrongLabel

__all__ = [
    "HEALTH_TABLES",
    "Copies",
    "Health",
    "LeakedPicture",
    "Outlier",
    "SmallLabel",
    "WrongLabel",
    "check",
    "csv_tables",
]
