"""ONNX Runtime sessions, opened in one way: on the CPU, from bytes that have been checked."""

import onnxruntime as ort

from retrieval.errors import BundleDamaged


def open_session(model: bytes, where: str, *, threads: int = 0) -> ort.InferenceSession:
    """`model` is the content of an ONNX file and `where` names it in errors. Raises BundleDamaged.

    `threads` work on one call; 0 lets ONNX Runtime take every core.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that wait for work sleep. Spinning, they take a third of the CPU time of concurrent runs for nothing.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors only: warnings are about graph details that nobody can act on
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises a dozen unrelated classes for a file it cannot load
        raise BundleDamaged(f"{where} is not a model that ONNX Runtime can load: {error}") from error
