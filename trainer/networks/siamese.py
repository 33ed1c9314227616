"""A small network to train from scratch on a few thousand pictures, twins or triplets of which share its weights.

Bromley et al. 1993, "Signature Verification using a Siamese Time Delay Neural Network"; Koch, Zemel & Salakhutdinov
2015, "Siamese Neural Networks for One-shot Image Recognition". Theirs are plain stacks of convolutions; the blocks here
are residual and normalised (He et al. 2015, https://arxiv.org/abs/1512.03385), which reaches further in few epochs.
"""

from keras import KerasTensor, layers

WIDTHS = (32, 64, 128, 256)  # channels of the stages; each but the first halves the picture

# Statistics of the last 20 batches or so: an epoch over a few thousand pictures has not many more.
MOMENTUM = 0.9


def _convolution(x: KerasTensor, filters: int, size: int, stride: int, name: str) -> KerasTensor:
    x = layers.Conv2D(
        filters, size, stride, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
    )(x)
    return layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_bn")(x)


def _block(x: KerasTensor, filters: int, stride: int, name: str) -> KerasTensor:
    """Two convolutions, added to what came in."""
    shortcut = x if stride == 1 else _convolution(x, filters, 1, stride, f"{name}_shortcut")
    x = layers.ReLU(name=f"{name}_1_relu")(_convolution(x, filters, 3, stride, f"{name}_1"))
    x = layers.Add(name=f"{name}_add")([shortcut, _convolution(x, filters, 3, 1, f"{name}_2")])
    return layers.ReLU(name=f"{name}_relu")(x)


def siamese(x: KerasTensor) -> KerasTensor:
    """Scaled pictures [n, H, W, 3] to the feature map [n, H/16, W/16, 256]; 63 million multiplications at 64x64."""
    x = layers.ReLU(name="stem_relu")(_convolution(x, WIDTHS[0], 5, 2, "stem"))
    for number, filters in enumerate(WIDTHS, start=1):
        x = _block(x, filters, 1 if number == 1 else 2, f"stage{number}")
    return x
