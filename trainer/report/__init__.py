"""What a bundle is worth and what its pictures are like, as one page that needs nothing else, CSV files and JSON.

A run calls `write_report` at its end; `lookalike report` makes the report of the published bundle anew.
"""

from trainer.report.model import Report
from trainer.report.write import write_report

__all__ = ["Report", "write_report"]
