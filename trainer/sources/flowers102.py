"""Oxford 102 Flowers (Nilsback and Zisserman 2008): 8,189 photographs of 102 flowers common in the United Kingdom.

`jpg/image_00001.jpg` to `image_08189.jpg`; `imagelabels.mat` holds `labels`, the number 1 to 102 of each picture's
flower, in the order of the pictures; `setid.mat` holds `trnid`, `valid` and `tstid`, the numbers of the pictures in
each part. Checksums: torchvision.datasets.Flowers102.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.errors import SourceError
from trainer.sources.base import Listing, Part, Picture, Skipped
from trainer.sources.fetch.remote import RemoteFile
from trainer.sources.public import DataSet, innermost

PAGE = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
SETS: dict[str, Part] = {"trnid": "train", "valid": "validation", "tstid": "test"}
# In the order of their numbers, as TensorFlow Datasets and torchvision list them; the files hold numbers only.
IN_ORDER = """\
pink primrose, hard-leaved pocket orchid, canterbury bells, sweet pea, english marigold, tiger lily, moon orchid, \
bird of paradise, monkshood, globe thistle, snapdragon, colt's foot, king protea, spear thistle, yellow iris, \
globe-flower, purple coneflower, peruvian lily, balloon flower, giant white arum lily, fire lily, pincushion flower, \
fritillary, red ginger, grape hyacinth, corn poppy, prince of wales feathers, stemless gentian, artichoke, \
sweet william, carnation, garden phlox, love in the mist, mexican aster, alpine sea holly, ruby-lipped cattleya, \
cape flower, great masterwort, siam tulip, lenten rose, barbeton daisy, daffodil, sword lily, poinsettia, \
bolero deep blue, wallflower, marigold, buttercup, oxeye daisy, common dandelion, petunia, wild pansy, primula, \
sunflower, pelargonium, bishop of llandaff, gaura, geranium, orange dahlia, pink-yellow dahlia, cautleya spicata, \
japanese anemone, black-eyed susan, silverbush, californian poppy, osteospermum, spring crocus, bearded iris, \
windflower, tree poppy, gazania, azalea, water lily, rose, thorn apple, morning glory, passion flower, lotus, \
toad lily, anthurium, frangipani, clematis, hibiscus, columbine, desert-rose, tree mallow, magnolia, cyclamen, \
watercress, canna lily, hippeastrum, bee balm, ball moss, foxglove, bougainvillea, camellia, mallow, \
mexican petunia, bromelia, blanket flower, trumpet creeper, blackberry lily"""
NAMES = IN_ORDER.split(", ")


def read(folder: Path) -> Listing:
    """Every picture that `imagelabels.mat` labels, with its flower's name as label, and its part.

    A picture that is not there is skipped. Raises SourceError when a .mat file is not what it should be.
    """
    (labels,) = _numbers(folder / "imagelabels.mat", ["labels"])
    if not np.isin(labels, np.arange(1, len(NAMES) + 1)).all():
        raise SourceError(f"{folder / 'imagelabels.mat'} holds labels other than 1 to {len(NAMES)}.")
    sets = _numbers(folder / "setid.mat", list(SETS))
    parts = {int(number): part for numbers, part in zip(sets, SETS.values(), strict=True) for number in numbers}
    images = innermost((folder / "jpg").absolute())
    pictures: list[Picture] = []
    skipped: list[Skipped] = []
    for number, label in enumerate(labels, start=1):
        path = images / f"image_{number:05d}.jpg"
        if path.is_file():
            pictures.append(Picture(path.stem, path, NAMES[label - 1], part=parts.get(number)))
        else:
            skipped.append(Skipped(str(path), "imagelabels.mat lists it, but there is no such file"))
    return Listing(pictures, skipped)


def _numbers(file: Path, names: list[str]) -> list[NDArray[np.int64]]:
    """The variables of a MATLAB file, each as int64 [n]."""
    from scipy.io import loadmat  # half a second that all other sources can do without

    try:
        variables = loadmat(file, variable_names=names)
        return [np.ravel(variables[name]).astype(np.int64) for name in names]  # MATLAB's own numbers are floats
    except Exception as error:  # loadmat documents no errors, and raises a dozen kinds on what is no such file
        raise SourceError(f"{file} is not a MATLAB file with {', '.join(names)}: {error}") from error


DATA_SET = DataSet(
    "flowers102",
    PAGE,
    (
        RemoteFile("102flowers.tgz", "md5:52808999861908f626f3c1f4e79d11fa", f"{PAGE}102flowers.tgz", "jpg"),
        RemoteFile("imagelabels.mat", "md5:e0620be6f572b9609742df49c70aed4d", f"{PAGE}imagelabels.mat"),
        RemoteFile("setid.mat", "md5:a5357ecc9cb78c4bef273ce3793fc85c", f"{PAGE}setid.mat"),
    ),
    read,
)
