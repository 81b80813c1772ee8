"""Makes an ONNX graph of dlib's face recognition network out of dlib's own file format, without dlib.

The format (`serialize.h` and `dnn/layers.h` of github.com/davisking/dlib) is a plain sequence of values:

- integer: one byte with the count of bytes that follow (low four bits) and the sign (high bit), then those bytes,
  least significant first;
- real: two integers, mantissa and exponent of two;
- text: its length as an integer, then its bytes;
- boolean: the character "1" or "0";
- tensor: the integer 2 (a version), four dimensions as integers, then 32-bit floats, least significant byte first.

A network nests from its output inwards. So the file opens with the version numbers of all the wrappers, and then gives
the layers in order, from the image to the descriptor: a name, the fields of that layer, and three booleans and three
tensors that training left behind.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from onnx import ModelProto

from rekognition_local.engine.weights.graphs import Floats, Graph


class _Values(io.BytesIO):
    """Takes dlib's serialised values from the front of a file's bytes."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._size = len(content)

    @property
    def exhausted(self) -> bool:
        return self.tell() == self._size

    def take(self, count: int) -> bytes:
        """The next `count` bytes; ValueError where the file ends before."""
        taken = self.read(count)
        if len(taken) != count:
            raise ValueError("dlib's file ends in the middle of a value.")
        return taken

    def integer(self) -> int:
        control = self.take(1)[0]
        magnitude = int.from_bytes(self.take(control & 0x0F), "little")
        return -magnitude if control & 0x80 else magnitude

    def integers(self, count: int) -> list[int]:
        return [self.integer() for _ in range(count)]

    def reals(self, count: int) -> list[float]:
        return [float(mantissa * 2.0**exponent) for mantissa, exponent in (self.integers(2) for _ in range(count))]

    def text(self, length: int | None = None) -> str:
        return self.take(self.integer() if length is None else length).decode("ascii")

    def tensor(self) -> Floats:
        version, *shape = self.integers(5)
        if version != 2:
            raise ValueError(f"A tensor of dlib has version {version}, 2 expected.")
        return np.frombuffer(self.take(4 * int(np.prod(shape))), "<f4").reshape(shape)


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A result inside the graph and its shape for one image: (channels, height, width)."""

    name: str
    shape: tuple[int, ...]


def resnet(content: bytes) -> ModelProto:
    """Image (n, 150, 150, 3) RGB 0-255 -> descriptors (n, 128); ValueError where the bytes are not such a network."""
    values, graph = _Values(content), Graph()
    means, side = _image(values)
    # `shortcut` is what a residual block adds to its own result.
    result = shortcut = _Tensor(graph.pixels_first(means, 256), (3, side, side))
    for (before, waiting), (layer, fields) in pairwise([("", ()), *_layers(values)]):
        match layer:
            case "affine_":  # the convolution before it waits, and takes it in: results change by less than 1e-6
                (weights, biases, *window), (gamma, beta) = waiting, fields
                constants = weights * gamma.reshape(-1, 1, 1, 1), biases * gamma + beta
                result = _slid(graph, "Conv", result, *window, *map(graph.constant, constants), channels=len(weights))
            case "relu_":
                result = _Tensor(graph.step("Relu", result.name), result.shape)
                if before == "add_prev_":  # ends a block
                    shortcut = result
            case "add_prev_":
                result = _sum(graph, result, shortcut)
            case "max_pool_2":
                result = shortcut = _slid(graph, "MaxPool", result, *fields)
            case "avg_pool_2" if fields[0] == (0, 0):  # of the whole plane
                result = _Tensor(graph.step("Flatten", graph.step("GlobalAveragePool", result.name)), result.shape)
            case "avg_pool_2":  # halves the shortcut of a block whose first convolution halves its result
                shortcut = _slid(graph, "AveragePool", shortcut, *fields)
            case "fc_2":
                (weights,) = fields
                result = _Tensor(graph.step("MatMul", result.name, graph.constant(weights)), weights.shape[1:])
    return graph.model("dlib_resnet", ("n", side, side, 3), [(result.name, ("n", result.shape[0]))])


def _image(values: _Values) -> tuple[Floats, int]:
    """What is subtracted from each channel, and the image's side in pixels."""
    _, name, _ = values.integer(), values.text(), values.reals(2)
    if name != "loss_metric_2":
        raise ValueError(f"dlib's file holds {name!r}, not a face recognition network.")
    # The wrappers' versions are 1 to 3, the length of the first name is more.
    while (length := values.integer()) <= 3:
        pass
    if not values.text(length).startswith("input_rgb_image"):
        raise ValueError("The network does not begin with its image.")
    return np.array(values.reals(3), np.float32), values.integers(2)[0]


def _layers(values: _Values) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Name and fields of each layer, from the image to the descriptor."""
    is_first = True
    while not values.exhausted:
        name = values.text()
        yield name, _fields(values, name)
        values.take(3)
        _ = values.tensor(), values.tensor(), values.tensor()
        if is_first:
            values.integer()  # only the layer next to the image stores how many samples an image gives
        is_first = False


def _fields(values: _Values, layer: str) -> tuple[Any, ...]:
    """What the graph needs of a layer; a window is its size, its steps and its border, each (down, across)."""
    match layer:
        case "con_4":  # weights (filters, channels, height, width), a bias a filter, window
            parameters = values.tensor().ravel()
            filters, height, width, *stride_and_padding = values.integers(7)
            values.integers(10)  # the shapes of weights and biases, which follow from the others
            values.reals(4)  # learning rates
            weights = parameters[:-filters].reshape(filters, -1, height, width)
            return weights, parameters[-filters:], (height, width), stride_and_padding[:2], stride_and_padding[2:]
        case "affine_":  # a batch normalisation frozen after training: gamma * x + beta, per channel
            gamma, beta = values.tensor().reshape(2, -1)
            values.integers(11)
            return gamma, beta
        case "relu_" | "add_prev_":
            return ()
        case "max_pool_2" | "avg_pool_2":
            height, width, down, across, *_ = values.integers(6)
            return (height, width), (down, across), (0, 0)
        case "fc_2":
            values.integers(2)
            parameters = values.tensor()
            values.integers(11)
            values.reals(4)
            return (parameters.reshape(parameters.shape[0], -1),)
    raise ValueError(f"dlib's file holds a layer {layer!r} that this network does not have.")


def _slid(
    graph: Graph,
    operator: str,
    tensor: _Tensor,
    window: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    *constants: str,
    channels: int | None = None,
) -> _Tensor:
    """What an operator makes of a tensor by a sliding window; it has as many channels as before if nothing is said."""
    name = graph.step(operator, tensor.name, *constants, kernel_shape=window, strides=stride, pads=[*padding, *padding])
    before, *sides = tensor.shape
    dimensions = zip(sides, window, stride, padding, strict=True)
    after = [(side + 2 * pad - extent) // step + 1 for side, extent, step, pad in dimensions]
    return _Tensor(name, (before if channels is None else channels, *after))


def _sum(graph: Graph, one: _Tensor, other: _Tensor) -> _Tensor:
    """Both added; the smaller gets zeros at its far ends first, as dlib adds tensors of different sizes."""
    shape = np.maximum(one.shape, other.shape)
    names = []
    for tensor in (one, other):
        missing = shape - tensor.shape
        ends = graph.constant(np.array([0, 0, 0, 0, 0, *missing], np.int64)) if missing.any() else None
        names.append(tensor.name if ends is None else graph.step("Pad", tensor.name, ends))
    return _Tensor(graph.step("Add", *names), tuple(shape.tolist()))
