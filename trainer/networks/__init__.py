"""Keras networks: pretrained backbones and the heads that sit on them."""
