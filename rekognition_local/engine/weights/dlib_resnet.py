"""Makes an ONNX graph of dlib's face recognition network out of dlib's own file, without dlib.

The layers are those of `dnn_face_recognition_ex.cpp` (github.com/davisking/dlib). The file has them from the image to
the descriptor; all that is read are their parameters, a tensor behind the name of each layer that has any. A tensor is
five integers (a version, four dimensions), then 32-bit floats; an integer is one byte with the count of bytes that
follow, then those, least significant first (`serialize.h`).
"""

import io
import math
import re
from collections.abc import Iterator

import numpy as np
from onnx import ModelProto

from rekognition_local.engine.weights.graphs import Floats, Graph

_MEANS = np.array([122.782, 117.001, 104.298], np.float32)  # of red, green and blue
# Filters of the residual blocks of each level; behind the first level, the first block halves the image.
_LEVELS = ([32] * 3, [64] * 4, [128] * 3, [256] * 3, [256])
# The sizes of the last layer stand between its name and its tensor.
_LAYERS = re.compile(rb"con_4|affine_|fc_2.{5}", re.DOTALL)


def resnet(content: bytes) -> ModelProto:
    """The known file's network: image (n, 150, 150, 3) RGB 0-255 -> descriptors (n, 128)."""
    parameters, graph = _parameters(content), Graph()

    def convolved(image: str, filters: int, window: int = 3, stride: int = 1, border: int = 1) -> str:
        """With the normalisation behind it, which it takes in: results change by less than 1e-6."""
        flat, (gamma, beta) = next(parameters), next(parameters).reshape(2, -1)
        weights, biases = flat[:-filters].reshape(filters, -1, window, window), flat[-filters:]
        constants = graph.constant(weights * gamma.reshape(-1, 1, 1, 1)), graph.constant(biases * gamma + beta)
        return graph.step("Conv", image, *constants, strides=[stride] * 2, pads=[border] * 4)

    result = graph.step("Relu", convolved(graph.pixels_first(_MEANS, 256), 32, window=7, stride=2, border=0))
    result = graph.step("MaxPool", result, kernel_shape=[3, 3], strides=[2, 2])
    channels, side = 32, 35  # of what there is so far
    for level, blocks in enumerate(_LEVELS):
        for place, filters in enumerate(blocks):
            halves = level > 0 and place == 0
            inner = convolved(result, filters, stride=2, border=0) if halves else convolved(result, filters)
            inner = convolved(graph.step("Relu", inner), filters)
            if halves:
                result = graph.step("AveragePool", result, kernel_shape=[2, 2], strides=[2, 2])
                # dlib adds tensors of different sizes as if the smaller one had zeros at its far ends.
                inner = _padded(graph, inner, sides=1 - side % 2)
                result = _padded(graph, result, channels=filters - channels)
                channels, side = filters, side // 2
            result = graph.step("Relu", graph.step("Add", inner, result))
    result = graph.step("Flatten", graph.step("GlobalAveragePool", result))
    result = graph.step("MatMul", result, graph.constant(next(parameters).reshape(256, 128)))
    return graph.model("dlib_resnet", ("n", 150, 150, 3), [(result, ("n", 128))])


def _padded(graph: Graph, tensor: str, *, channels: int = 0, sides: int = 0) -> str:
    ends = np.array([0, 0, 0, 0, 0, channels, sides, sides], np.int64)
    return graph.step("Pad", tensor, graph.constant(ends)) if ends.any() else tensor


def _parameters(content: bytes) -> Iterator[Floats]:
    """The parameters of one layer after the other."""
    file = io.BytesIO(content)
    while layer := _LAYERS.search(content, file.tell()):
        file.seek(layer.end())
        _, *shape = (int.from_bytes(file.read(file.read(1)[0]), "little") for _ in range(5))
        yield np.frombuffer(file.read(4 * math.prod(shape)), "<f4")
