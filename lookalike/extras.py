"""Which extra of the package brings what a command needs: `pip install 'lookalike[trainer]'`."""

from collections.abc import Sequence
from importlib.util import find_spec

OUR_PACKAGES = {"api", "frontend", "lookalike", "retrieval", "trainer"}
SERVICE_EXTRAS = {"api": "api", "page": "frontend", "demo": "all"}
"""The extra of each command that serves; every other command is the trainer's."""
MODULE_EXTRAS = {"distributed": "dask", "pyarrow": "dask"}
"""The extra of a module that few commands need."""
MARKERS = {"trainer": "tensorflow", "api": "fastapi", "frontend": "flask"}
"""A module that only this extra brings."""


def missing_extra(error: ModuleNotFoundError, arguments: Sequence[str]) -> str | None:
    """What to install for the command line `arguments`, or None where a module of our own is missing: that is a bug."""
    module = (error.name or "").partition(".")[0]
    if not module or module in OUR_PACKAGES:
        return None
    command = next((argument for argument in arguments if not argument.startswith("-")), "")
    return _advice(command, module, MODULE_EXTRAS.get(module) or SERVICE_EXTRAS.get(command, "trainer"))


def missing_for_demo() -> str | None:
    """What to install for the demo, which trains and serves; None where everything is there."""
    absent = [module for module in MARKERS.values() if find_spec(module) is None]
    return _advice("demo", absent[0], SERVICE_EXTRAS["demo"]) if absent else None


def _advice(command: str, module: str, extra: str) -> str:
    return f"lookalike {command} needs {module}, which is not installed: pip install 'lookalike[{extra}]'"
