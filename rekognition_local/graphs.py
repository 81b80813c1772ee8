"""Builds the ONNX graphs of the face networks from their weights."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from rekognition_local.dlib_weights import AddPrevious, Affine, Convolution, FullyConnected, Input, Layer, Pool, Relu

Floats = NDArray[np.float32]

_OPSET, _IR_VERSION = 17, 8


class _Graph:
    """An ONNX graph under construction: every step returns the name of its result."""

    def __init__(self) -> None:
        self._nodes: list[object] = []
        self._constants: list[object] = []

    def constant(self, value: NDArray[np.float32] | NDArray[np.int64]) -> str:
        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def step(self, operator: str, *inputs: str, **attributes: object) -> str:
        name = f"{operator}{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def pixels_first(self, image: str, subtract: Floats, divide: float) -> str:
        """uint8 (n, h, w, 3) -> float (n, 3, h, w), normalised."""
        planes = self.step("Transpose", self.step("Cast", image, to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
        centred = self.step("Sub", planes, self.constant(subtract.reshape(1, 3, 1, 1)))
        return self.step("Div", centred, self.constant(np.array(divide, np.float32)))

    def model(
        self, name: str, image_shape: Sequence[int | str], outputs: Sequence[tuple[str, Sequence[int | str]]]
    ) -> ModelProto:
        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info("image", TensorProto.UINT8, list(image_shape))],
            [helper.make_tensor_value_info(result, TensorProto.FLOAT, list(shape)) for result, shape in outputs],
            self._constants,
        )
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
            producer_name="rekognition_local",
        )


def resnet(layers: Sequence[Layer]) -> ModelProto:
    """Dlib's face recognition network: image (n, 150, 150, 3) RGB 0-255 -> descriptors (n, 128).

    Every convolution takes the affine layer behind it into its weights, which changes results by less than 1e-6.

    Raises:
        ValueError: the layers are not in the order of a residual network.
    """
    graph = _Graph()
    picture, *rest = layers
    if not isinstance(picture, Input):
        raise ValueError("The network's first layer must be its image.")
    result = graph.pixels_first("image", np.array(picture.means, np.float32), 256)
    shape = (3, picture.side, picture.side)
    block, block_shape = result, shape  # what enters the residual block
    closes_block = True
    for index, layer in enumerate(rest):
        match layer:
            case Convolution(weights, biases, stride, padding):
                affine = rest[index + 1]
                if not isinstance(affine, Affine):
                    raise ValueError("A convolution without its affine layer.")
                result = graph.step(
                    "Conv",
                    result,
                    graph.constant(weights * affine.gamma.reshape(-1, 1, 1, 1)),
                    graph.constant(biases * affine.gamma + affine.beta),
                    strides=list(stride),
                    pads=[*padding, *padding],
                )
                shape = (len(biases), *_size(shape, weights.shape[2:], stride, padding))
            case Affine():
                pass
            case Relu():
                result = graph.step("Relu", result)
                if closes_block:
                    block, block_shape, closes_block = result, shape, False
            case Pool("max", window, stride):
                result = graph.step("MaxPool", result, kernel_shape=list(window), strides=list(stride))
                shape = (shape[0], *_size(shape, window, stride, (0, 0)))
                block, block_shape = result, shape
            case Pool("avg", (0, 0), _):
                result = graph.step("Flatten", graph.step("GlobalAveragePool", result))
            case Pool("avg", window, stride):  # stands on the shortcut of a block that halves the size
                block = graph.step("AveragePool", block, kernel_shape=list(window), strides=list(stride))
                block_shape = (block_shape[0], *_size(block_shape, window, stride, (0, 0)))
            case AddPrevious():
                common = tuple(np.maximum(shape, block_shape).tolist())
                result = graph.step(
                    "Add", _filled(graph, result, shape, common), _filled(graph, block, block_shape, common)
                )
                shape, closes_block = common, True
            case FullyConnected(weights):
                result = graph.step("MatMul", result, graph.constant(weights))
    return graph.model("dlib_resnet", ("n", picture.side, picture.side, 3), [(result, ("n", 128))])


def _size(
    shape: Sequence[int], window: Sequence[int], stride: Sequence[int], padding: Sequence[int]
) -> tuple[int, int]:
    height, width = (
        (side + 2 * pad - extent) // step + 1
        for side, extent, step, pad in zip(shape[1:], window, stride, padding, strict=True)
    )
    return height, width


def _filled(graph: _Graph, tensor: str, shape: Sequence[int], wanted: Sequence[int]) -> str:
    """The tensor with zeros at its far ends, as dlib adds tensors of different sizes."""
    if tuple(shape) == tuple(wanted):
        return tensor
    missing = [0, *(want - have for want, have in zip(wanted, shape, strict=True))]
    return graph.step("Pad", tensor, graph.constant(np.array([0, 0, 0, 0, *missing], np.int64)))


class _Weights:
    """Takes Keras weights in order: a convolution is (height, width, in, out), a dense layer (in, out)."""

    def __init__(self, graph: _Graph, weights: Sequence[Floats]) -> None:
        self._graph = graph
        self._weights = iter(weights)

    def convolution(self, tensor: str) -> str:
        kernel, bias = next(self._weights), next(self._weights)
        return self._graph.step(
            "Conv", tensor, self._graph.constant(kernel.transpose(3, 2, 0, 1)), self._graph.constant(bias)
        )

    def dense(self, tensor: str) -> str:
        kernel, bias = next(self._weights), next(self._weights)
        return self._graph.step("Gemm", tensor, self._graph.constant(kernel), self._graph.constant(bias))

    def prelu(self, tensor: str) -> str:
        slope = next(self._weights)
        return self._graph.step(
            "PRelu", tensor, self._graph.constant(slope.reshape(-1, 1, 1) if slope.ndim > 1 else slope)
        )

    def pool(self, tensor: str, window: int, padding: str) -> str:
        return self._graph.step("MaxPool", tensor, kernel_shape=[window] * 2, strides=[2, 2], auto_pad=padding)

    def flat(self, tensor: str) -> str:
        """MTCNN was trained on column-major planes."""
        return self._graph.step("Flatten", self._graph.step("Transpose", tensor, perm=[0, 3, 2, 1]))


def pnet(weights: Sequence[Floats]) -> ModelProto:
    """MTCNN's proposal network: image (n, h, w, 3) -> box shifts (n, 4, h', w'), no-face and face score (n, 2, h', w')."""
    graph = _Graph()
    layers = _Weights(graph, weights)
    result = layers.prelu(layers.convolution(_mtcnn_pixels(graph)))
    result = layers.prelu(layers.convolution(layers.pool(result, 2, "SAME_UPPER")))
    result = layers.prelu(layers.convolution(result))
    shifts = layers.convolution(result)
    scores = graph.step("Softmax", layers.convolution(result), axis=1)
    size = ("n", "height", "width")
    return graph.model("mtcnn_pnet", (*size, 3), [(shifts, ("n", 4, "y", "x")), (scores, ("n", 2, "y", "x"))])


def rnet(weights: Sequence[Floats]) -> ModelProto:
    """MTCNN's refinement network: image (n, 24, 24, 3) -> box shifts (n, 4), no-face and face score (n, 2)."""
    graph = _Graph()
    layers = _Weights(graph, weights)
    result = layers.pool(layers.prelu(layers.convolution(_mtcnn_pixels(graph))), 3, "SAME_UPPER")
    result = layers.pool(layers.prelu(layers.convolution(result)), 3, "VALID")
    result = layers.flat(layers.prelu(layers.convolution(result)))
    result = layers.prelu(layers.dense(result))
    shifts, scores = layers.dense(result), graph.step("Softmax", layers.dense(result), axis=1)
    return graph.model("mtcnn_rnet", ("n", 24, 24, 3), [(shifts, ("n", 4)), (scores, ("n", 2))])


def onet(weights: Sequence[Floats]) -> ModelProto:
    """MTCNN's output network: image (n, 48, 48, 3) -> box shifts (n, 4), five points' x then y (n, 10), scores (n, 2)."""
    graph = _Graph()
    layers = _Weights(graph, weights)
    result = layers.pool(layers.prelu(layers.convolution(_mtcnn_pixels(graph))), 3, "SAME_UPPER")
    result = layers.pool(layers.prelu(layers.convolution(result)), 3, "VALID")
    result = layers.pool(layers.prelu(layers.convolution(result)), 2, "SAME_UPPER")
    result = layers.flat(layers.prelu(layers.convolution(result)))
    result = layers.prelu(layers.dense(result))
    shifts, points = layers.dense(result), layers.dense(result)
    scores = graph.step("Softmax", layers.dense(result), axis=1)
    return graph.model("mtcnn_onet", ("n", 48, 48, 3), [(shifts, ("n", 4)), (points, ("n", 10)), (scores, ("n", 2))])


def _mtcnn_pixels(graph: _Graph) -> str:
    return graph.pixels_first("image", np.full(3, 127.5, np.float32), 128)
