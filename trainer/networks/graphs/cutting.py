"""The way back from an encoder with a linear head to the one before it: what `with_head` put there is taken off."""

from onnx import ModelProto, NodeProto

from trainer.networks.forms import stored_numbers
from trainer.networks.graphs.building import checked


def without_head(model: ModelProto) -> ModelProto | None:
    """The encoder before the last matrix product of `model`, which keeps the contract.

    None where its outputs are no products with one matrix that is part of the file, as after quantisation.
    """
    cut = ModelProto()
    cut.CopyFrom(model)
    numbers = dict(stored_numbers(cut))
    for output in cut.graph.output:
        product = _product(cut, output.name)
        if product is None or product.input[1] not in numbers or _producer(cut, product.input[0]) is None:
            return None
        features = product.input[0]
        for node in [node for node in cut.graph.node if node is product or output.name in node.output]:
            cut.graph.node.remove(node)
        for node in cut.graph.node:
            node.input[:] = [output.name if name == features else name for name in node.input]
            node.output[:] = [output.name if name == features else name for name in node.output]
        output.type.tensor_type.shape.dim[-1].dim_value = numbers[product.input[1]].dims[0]
    _drop_unused(cut)
    del cut.graph.value_info[:]
    return checked(cut, "The encoder without its head")


def _producer(model: ModelProto, name: str) -> NodeProto | None:
    return next((node for node in model.graph.node if name in node.output), None)


def _product(model: ModelProto, name: str) -> NodeProto | None:
    """The matrix product behind an output, with whatever only hands it on."""
    node = _producer(model, name)
    while node is not None and node.op_type == "Identity":
        node = _producer(model, node.input[0])
    return None if node is None or node.op_type != "MatMul" else node


def _drop_unused(model: ModelProto) -> None:
    """Remove the stored numbers that nothing needs any more."""
    needed = {name for node in model.graph.node for name in node.input}
    for node in [node for node in model.graph.node if node.op_type == "Constant" and node.output[0] not in needed]:
        model.graph.node.remove(node)
    for initializer in [each for each in model.graph.initializer if each.name not in needed]:
        model.graph.initializer.remove(initializer)
