"""Files of pretrained weights: those of Keras, and those of PyTorch without PyTorch."""
