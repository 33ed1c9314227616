"""The state of a stage after its last whole epoch, in one file: what a run that was killed goes on from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from retrieval.durable import write_atomically

Arrays = Mapping[str, Sequence[NDArray[Any]]]
State = Mapping[str, Any]
"""What JSON can hold."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One file, replaced as a whole. `made_from` names what the state depends on; another one's is not read."""

    path: Path
    made_from: str

    def save(self, arrays: Arrays, state: State) -> None:
        """Keep lists of arrays and what JSON can hold, in place of what was kept before."""
        text = json.dumps(
            {"made_from": self.made_from, "state": state, "counts": {k: len(v) for k, v in arrays.items()}}
        )
        flat = {f"{name}/{number}": array for name, several in arrays.items() for number, array in enumerate(several)}
        with write_atomically(self.path) as draft, draft.open("wb") as file:
            np.savez(file, allow_pickle=False, about=np.frombuffer(text.encode(), np.uint8), **flat)

    def load(self) -> tuple[Arrays, State] | None:
        """What was kept last; None where there is nothing, or nothing that fits."""
        try:
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                about = json.loads(file["about"].tobytes())
                if about["made_from"] != self.made_from:
                    return None
                counts = about["counts"].items()
                return {name: [file[f"{name}/{n}"] for n in range(count)] for name, count in counts}, about["state"]
        except (OSError, EOFError, ValueError, KeyError, BadZipFile):
            return None
