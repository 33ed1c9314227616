"""ONNX graphs: encoders exported from Keras, put together, and wrapped from elsewhere."""
