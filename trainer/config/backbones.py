"""The backbones, one entry each. To add a network of keras.applications, add an entry here, and its row to the tests.

Data alone, so that a configuration is checked without Keras; networks.backbones builds what stands here.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

Channels = tuple[float, float, float]


class Scaling(NamedTuple):
    """What the network was trained on: `(channels in this order - mean) / std`, of bytes 0 to 255."""

    mean: Channels
    std: Channels
    order: Literal["RGB", "BGR"] = "RGB"


class Published(NamedTuple):
    """A file of ImageNet weights that keras.applications publishes."""

    path: str
    """Below the address where Keras keeps them."""
    md5: str | None
    """Or SHA-256, by its length; None where Keras checks none either."""


class Backbone(NamedTuple):
    """One kind of network. `paper` is where it was described first."""

    paper: str
    application: str | None
    """The class of keras.applications; None: one of our own in trainer.networks."""
    scaling: Scaling
    blocks: str
    """A regular expression for the names of the layers of a block, which begins with the name of the block. Layers in
    between that are named otherwise belong to the block before."""
    imagenet: Published | Literal["package"] | None
    """Where its ImageNet weights are: a file that Keras publishes, or a Python package; None: it has none."""
    side: int = 224
    """Side of the square pictures it was made for, in pixels."""
    named_by_end: bool = False
    """Whether `blocks` names only the layer that ends a block."""
    scales_itself: bool = False
    """Whether Keras builds the scaling into the network, too; it is then taken out."""
    without_preprocessing: bool = False
    """Whether Keras builds the scaling into the network unless it is asked not to; it is asked so."""


IMAGENET_MEAN: Channels = (0.485, 0.456, 0.406)
IMAGENET_STD: Channels = (0.229, 0.224, 0.225)
"""Of ImageNet's pictures, as shares of 255."""

CENTRED = Scaling((127.5,) * 3, (127.5,) * 3)  # -1..1
HALVED = Scaling((128.0,) * 3, (128.0,) * 3)  # the same but for half a level
CAFFE = Scaling((103.939, 116.779, 123.68), (1.0,) * 3, "BGR")
STANDARDISED = Scaling(
    (255 * IMAGENET_MEAN[0], 255 * IMAGENET_MEAN[1], 255 * IMAGENET_MEAN[2]),
    (255 * IMAGENET_STD[0], 255 * IMAGENET_STD[1], 255 * IMAGENET_STD[2]),
)
_KERAS = "tensorflow/keras-applications"

LITE_SIDES = (224, 240, 260)
"""Of EfficientNet-Lite0, Lite1 and Lite2."""

BACKBONES: Mapping[str, Backbone] = {
    **{
        f"efficientnet-lite{number}": Backbone(
            "Tan & Le 2019, https://arxiv.org/abs/1905.11946",
            None,
            Scaling((127.0,) * 3, (128.0,) * 3),
            r"blocks_\d+",
            "package",
            side=side,
        )
        for number, side in enumerate(LITE_SIDES)
    },
    "resnet50": Backbone(
        "He et al. 2015, https://arxiv.org/abs/1512.03385",
        "ResNet50",
        CAFFE,
        r"conv\d_block\d+",
        Published(
            f"{_KERAS}/resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5", "4d473c1dd8becc155b73f8504c6f6626"
        ),
    ),
    "resnet50v2": Backbone(
        "He et al. 2016, https://arxiv.org/abs/1603.05027",
        "ResNet50V2",
        CENTRED,
        r"conv\d_block\d+",
        Published(
            f"{_KERAS}/resnet/resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "fac2f116257151a9d068a22e544a4917",
        ),
    ),
    "convnexttiny": Backbone(
        "Liu et al. 2022, https://arxiv.org/abs/2201.03545",
        "ConvNeXtTiny",
        STANDARDISED,
        r"convnext_tiny_stage_\d_block_\d+",
        Published(
            f"{_KERAS}/convnext/convnext_tiny_notop.h5",
            "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
        ),
        without_preprocessing=True,
    ),
    "efficientnetv2s": Backbone(
        "Tan & Le 2021, https://arxiv.org/abs/2104.00298",
        "EfficientNetV2S",
        HALVED,
        r"block\d[a-z]",
        Published(f"{_KERAS}/efficientnet_v2/efficientnetv2-s_notop.h5", "af0682fb74e8c54910f2d4393339c070"),
        side=384,
        without_preprocessing=True,
    ),
    "mobilenetv2": Backbone(
        "Sandler et al. 2018, https://arxiv.org/abs/1801.04381",
        "MobileNetV2",
        CENTRED,
        r"expanded_conv|block_\d+",
        Published(
            f"{_KERAS}/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
            None,  # Keras names no checksum for it
        ),
    ),
    "efficientnetb0": Backbone(
        "Tan & Le 2019, https://arxiv.org/abs/1905.11946",
        "EfficientNetB0",
        STANDARDISED,
        r"block\d[a-z]",
        Published("keras-applications/efficientnetb0_notop.h5", "50bc09e76180e00e4465e1a485ddc09d"),
        scales_itself=True,
    ),
    "vgg16": Backbone(
        "Simonyan & Zisserman 2015, https://arxiv.org/abs/1409.1556",
        "VGG16",
        CAFFE,
        r"block\d",
        Published(
            f"{_KERAS}/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "6d6bbae143d832006294945121d1f1fc"
        ),
    ),
    "inceptionv3": Backbone(
        "Szegedy et al. 2016, https://arxiv.org/abs/1512.00567",
        "InceptionV3",
        CENTRED,
        r"mixed\d+$",
        Published(
            f"{_KERAS}/inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "bcbd6486424b2319ff4ef7d526e38f63",
        ),
        side=299,
        named_by_end=True,
    ),
    "siamese": Backbone("see trainer.networks.siamese", None, CENTRED, r"stage\d", None, side=64),
}

if TYPE_CHECKING:
    BackboneName = str
else:
    BackboneName = Literal[tuple(BACKBONES)]
