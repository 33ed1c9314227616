"""The health of the catalogue: broken and doubled files, labels that are probably wrong, and what else is odd."""

from trainer.health.check import check
from trainer.health.contents import Copied, Copies, Health, Lonely, SmallLabel, WrongLabel
from trainer.health.tables import HEALTH_TABLES, csv_tables

__all__ = ["HEALTH_TABLES", "Copied", "Copies", "Health", "Lonely", "SmallLabel", "WrongLabel", "check", "csv_tables"]
