"""`python -m benchmarks [name ...]`: measure, print, and renew the tables of docs/benchmarks.md.

What is trained for it is kept in artifacts/benchmarks: the first time takes hours on two cores, the second minutes.
"""

import argparse
import sys

from benchmarks import (
    calibration,
    copies,
    cost,
    faces,
    first_visit,
    ingest,
    items,
    learning,
    new_labels,
    protocols,
    quality,
    scale,
    scratch,
    search,
    serving,
)
from benchmarks.setup import test_data

MEASURES = {
    "quality": quality.main,
    "protocols": protocols.main,
    "calibration": calibration.main,
    "new_labels": new_labels.main,
    "scratch": scratch.main,
    "faces": faces.main,
    "copies": copies.main,
    "cost": cost.main,
    "search": search.main,
    "scale": scale.main,
    "items": items.main,
    "learning": learning.main,
    "serving": serving.main,
    "ingest": ingest.main,
    "first_visit": first_visit.main,
}


def main() -> None:
    """Run the named benchmarks, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="Example: LOOKALIKE_TEST_DATA=../shared/data python -m benchmarks search"
    )
    parser.add_argument("names", nargs="*", choices=[*MEASURES, []], help="all of them unless named")
    names = parser.parse_args().names or list(MEASURES)
    if test_data() is None:
        sys.exit("These benchmarks measure real pictures: set LOOKALIKE_TEST_DATA to the folder that holds grocery/.")
    for name in names:
        MEASURES[name]()


if __name__ == "__main__":
    main()
