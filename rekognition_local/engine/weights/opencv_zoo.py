"""Makes fast graphs of two files of the OpenCV Zoo whose weights are whole numbers in blocks: SFace and YuNet.

Both compute what the files compute, in 32-bit floats and without the steps that onnxruntime would repeat at every run.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, helper, numpy_helper

from rekognition_local.engine.weights.graphs import Floats, Graph

# Smaller layers lose more by the change of layout than whole numbers gain.
_LEAST_CHANNELS = 512


def sface(content: bytes, *, in_bytes: bool) -> ModelProto:
    """SFace: image (n, 112, 112, 3) RGB 0-255 -> descriptors (n, 128). At most half of the time of its file.

    Every normalisation is taken into the convolution or the linear layer beside it. With `in_bytes` the largest layers
    multiply whole numbers, see `Graph.linear`. All images of a batch then share a scale, so that each one's result
    depends on the others: give one at a time.
    """
    nodes, weights = _steps_and_weights(onnx.load_model_from_string(content))
    steps = iter(nodes)
    graph = Graph()
    result = graph.pixels_first(np.full(3, 127.5, np.float32), 128)
    before: tuple[Floats, Floats] | None = None
    for node in steps:
        match node.op_type:
            case "Conv":
                scale, shift = _normalisation(next(steps), weights)
                kernel = weights[node.input[1]] * scale.reshape(-1, 1, 1, 1)
                slopes = weights[next(steps).input[1]].ravel()
                if in_bytes and min(kernel.shape[:2]) >= _LEAST_CHANNELS:  # of single pixels
                    rows = graph.step("Transpose", result, perm=[0, 2, 3, 1])
                    mixed = graph.linear(rows, kernel[:, :, 0, 0].T, shift, in_bytes=True)
                    result = graph.prelu(graph.step("Transpose", mixed, perm=[0, 3, 1, 2]), slopes)
                else:
                    result = _convolved(graph, result, kernel, shift, slopes, _attributes(node))
            case "BatchNormalization":
                before = _normalisation(node, weights)
            case "Gemm" if before is not None:
                matrix, bias = weights[node.input[1]], weights[node.input[2]]  # (outputs, channels * plane)
                scale, shift = (np.repeat(values, matrix.shape[1] // len(values)) for values in before)
                matrix, bias = matrix * scale, bias + matrix @ shift
                scale, shift = _normalisation(next(steps), weights)
                matrix, bias = (matrix * scale[:, None]).T, bias * scale + shift
                result = graph.linear(graph.step("Flatten", result), matrix, bias, in_bytes=in_bytes)
            case "Sub" | "Mul" | "Constant" | "Dropout" | "Flatten":
                pass  # the pixels are normalised already; the rest is of training
            case other:
                raise ValueError(f"SFace's file holds a layer {other!r} that this network does not have.")
    return graph.model("sface", ("n", 112, 112, 3), [(result, ("n", 128))])


def _convolved(
    graph: Graph, image: str, kernel: Floats, bias: Floats, slopes: Floats, attributes: Mapping[str, Any]
) -> str:
    """A convolution and its PRelu."""

    def convolution(factors: Floats) -> str:
        constants = graph.constant(kernel * factors.reshape(-1, 1, 1, 1)), graph.constant(bias * factors)
        return graph.step("Conv", image, *constants, **attributes)

    if kernel.shape[1] == 1 and np.max(slopes) <= 1:
        # Both terms of `Graph.prelu` at once: a convolution of one channel costs no more than a product.
        return graph.step("Add", convolution(slopes), graph.step("Relu", convolution(1 - slopes)))
    return graph.prelu(convolution(np.ones_like(slopes)), slopes)


def sface_bias(content: bytes) -> Floats:
    """What SFace's last normalisation adds to every descriptor, (128,)."""
    tensors = onnx.load_model_from_string(content).graph.initializer
    bias: Floats = next(numpy_helper.to_array(tensor) for tensor in tensors if tensor.name == "fc1_beta")
    return bias


def yunet(content: bytes) -> ModelProto:
    """YuNet for images of any size: (1, 3, h, w) BGR 0-255, sides of a multiple of 32 -> its twelve outputs."""
    model = onnx.load_model_from_string(content)
    nodes, weights = _steps_and_weights(model)
    used = dict.fromkeys(name for node in nodes for name in node.input if name in weights)
    image, outputs = model.graph.input[0].name, [output.name for output in model.graph.output]
    graph = helper.make_graph(
        nodes,
        "yunet",
        [helper.make_tensor_value_info(image, onnx.TensorProto.FLOAT, [1, 3, "height", "width"])],
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, f"{name}_cells", None]) for name in outputs],
        [numpy_helper.from_array(np.ascontiguousarray(weights[name]), name) for name in used],
    )
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=8, producer_name="rekognition_local")


def _steps_and_weights(model: ModelProto) -> tuple[list[NodeProto], dict[str, Floats]]:
    """The steps that compute results; and all constants by name, those made of whole numbers by other steps among them.

    `block_size` neighbours along `axis` share a scale and a zero: weight = (number - zero) * scale.
    """
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear":
            numbers, scale, zero = (values[name].astype(np.float32) for name in node.input)  # copies
            layout = _attributes(node)
            # The last block may be larger than what is left.
            kept = tuple(slice(length) for length in numbers.shape)
            scale, zero = (np.repeat(value, layout["block_size"], layout["axis"])[kept] for value in (scale, zero))
            numbers -= zero
            numbers *= scale
            values[node.output[0]] = numbers
        elif node.op_type == "Reshape" and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]].reshape(values[node.input[1]])
    return [node for node in model.graph.node if node.output[0] not in values], values


def _attributes(node: NodeProto) -> dict[str, Any]:
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _normalisation(node: NodeProto, weights: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """A batch normalisation as (scale, shift) a channel: scale * x + shift."""
    gamma, beta, mean, variance = (weights[name].astype(np.float64) for name in node.input[1:])
    scale = gamma / np.sqrt(variance + _attributes(node)["epsilon"])
    return scale.astype(np.float32), (beta - mean * scale).astype(np.float32)
