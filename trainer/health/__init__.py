"""The health of the catalogue: broken and doubled files, labels that are probably wrong, and what else is odd."""
