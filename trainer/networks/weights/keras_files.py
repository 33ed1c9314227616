"""Weights in the files of Keras: fetched from where Keras keeps them, read, and refused when they do not fit."""

from pathlib import Path
from zipfile import BadZipFile

import keras
from keras import Model

from trainer.config.backbones import Published
from trainer.errors import WeightsError

STORE = "https://storage.googleapis.com"


def fetch(name: str, published: Published) -> Path:
    """The file of the network `name`, from the cache of Keras or downloaded into it. Raises WeightsError offline."""
    url = f"{STORE}/{published.path}"
    file = url.rpartition("/")[2]
    try:
        path = keras.utils.get_file(file, url, cache_subdir="models", file_hash=published.md5)
    except Exception as error:  # get_file raises a bare Exception for every kind of network trouble
        raise WeightsError(
            f"The ImageNet weights of {name} could not be downloaded ({error}). "
            f"Without internet: fetch {url} "
            f'on another machine, then set weights = "/path/to/{file}" under [encoder], '
            "or put the file into ~/.keras/models ($KERAS_HOME/models where that is set)."
        ) from error
    return Path(path)


def load_keras_weights(network: Model, path: Path) -> None:
    """Read a Keras weights file (.h5 of keras.applications, or .weights.h5), by layer order as it was saved.

    Raises WeightsError when it is none, or one of another network.
    """
    try:
        network.load_weights(path)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise WeightsError(f"{path} does not hold weights for {network.name}: {error}") from error
