"""Makes ONNX graphs of MediaPipe's TFLite files, without TensorFlow: the few operators that those networks have.

A TFLite file is a FlatBuffer: tables that point to the fields that they have. The numbers of fields and operators are
those of the schema: github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from rekognition_local.engine.weights.graphs import Graph

Floats = NDArray[np.float32]

_TYPES: Final[Mapping[int, type]] = MappingProxyType({0: np.float32, 1: np.float16, 2: np.int32})
_SAME, _RELU = 0, 1


def convert(content: bytes, name: str) -> ModelProto:
    """A network of one image: uint8 (n, h, w, 3) RGB 0-255, which it sees as 0-1 -> each result as (n, numbers).

    Raises:
        ValueError: the file holds an operator that is not known here.
    """
    model = _Table(content, struct.unpack_from("<I", content)[0])
    (network,) = model.tables(2)
    reading = _Network(model, network)
    image, results = int(network.numbers(1, "<i4")[0]), network.numbers(2, "<i4")
    reading.results[image] = reading.graph.pixels_first("image", np.zeros(3, np.float32), 255)
    for operator in network.tables(3):
        reading.add(operator)
    _, height, width, channels = reading.shape(image)
    outputs = [(reading.flat(int(result)), ("n", int(np.prod(reading.shape(int(result)))))) for result in results]
    return reading.graph.model(name, ("n", height, width, channels), outputs)


@dataclass(frozen=True, slots=True)
class _Table:
    """One table of a FlatBuffer; its fields by their numbers in the schema."""

    content: bytes
    place: int

    def number(self, field: int, layout: str, default: int = 0) -> int:
        at = self._field(field)
        return default if at is None else int(struct.unpack_from(layout, self.content, at)[0])

    def numbers(self, field: int, kind: str) -> NDArray[Any]:
        at, count = self._vector(field)
        return np.frombuffer(self.content, kind, count, at)

    def table(self, field: int) -> "_Table":
        at = self._target(field)
        if at is None:
            raise ValueError(f"The file lacks the field {field} of a table.")
        return _Table(self.content, at)

    def tables(self, field: int) -> list["_Table"]:
        at, count = self._vector(field)
        return [_Table(self.content, self._pointed(at + 4 * item)) for item in range(count)]

    def _vector(self, field: int) -> tuple[int, int]:
        """Where its first item is, and how many there are; none of a field that the table lacks."""
        at = self._target(field)
        return (0, 0) if at is None else (at + 4, struct.unpack_from("<I", self.content, at)[0])

    def _field(self, field: int) -> int | None:
        fields = self.place - struct.unpack_from("<i", self.content, self.place)[0]
        (size,) = struct.unpack_from("<H", self.content, fields)
        offset = struct.unpack_from("<H", self.content, fields + 4 + 2 * field)[0] if 4 + 2 * field < size else 0
        return self.place + offset if offset else None

    def _target(self, field: int) -> int | None:
        at = self._field(field)
        return None if at is None else self._pointed(at)

    def _pointed(self, at: int) -> int:
        return at + int(struct.unpack_from("<I", self.content, at)[0])


class _Network:
    """The graph as far as it is read: TFLite's results, which have their channels last, by the names of ours."""

    def __init__(self, model: _Table, network: _Table) -> None:
        self.graph = Graph()
        self.results: dict[int, str] = {}
        self._codes = [max(code.number(0, "<b"), code.number(3, "<i")) for code in model.tables(1)]
        self._buffers = model.tables(4)
        self._tensors = network.tables(0)
        self._unpacked: dict[int, int] = {}  # a tensor of single precision -> the half-precision one that it is made of

    def shape(self, tensor: int) -> list[int]:
        return [int(side) for side in self._tensors[tensor].numbers(0, "<i4")]

    def flat(self, tensor: int) -> str:
        """(n, numbers), in TFLite's order; results of one pixel have the same order in both layouts."""
        shape = self.shape(tensor)
        is_one_pixel = len(shape) == 2 or shape[1:3] == [1, 1]
        last = self.results[tensor] if is_one_pixel else self._channels_last(tensor)
        return self.graph.step("Flatten", last)

    def add(self, operator: _Table) -> None:
        code = self._codes[operator.number(0, "<I")]
        if code not in _OPERATORS:
            raise ValueError(f"The file holds the operator {code}, which is not known here.")
        inputs = [int(tensor) for tensor in operator.numbers(1, "<i4")]
        (output,) = (int(tensor) for tensor in operator.numbers(2, "<i4"))
        result = _OPERATORS[code](self, operator, inputs, output)
        if result is not None:
            self.results[output] = result

    def _constant(self, tensor: int) -> NDArray[Any]:
        tensor = self._unpacked.get(tensor, tensor)
        stored = self._tensors[tensor]
        values = self._buffers[stored.number(2, "<I")].numbers(0, "u1")
        return values.view(_TYPES[stored.number(1, "<b")]).reshape(self.shape(tensor))

    def _floats(self, tensor: int) -> Floats:
        return self._constant(tensor).astype(np.float32)

    def _unpack(self, _: _Table, inputs: list[int], output: int) -> None:
        self._unpacked[output] = inputs[0]

    def _convolve(self, operator: _Table, inputs: list[int], output: int, *, is_by_channel: bool = False) -> str:
        # TFLite: (out, h, w, in), by channel (1, h, w, channels); ONNX: (out, in, h, w).
        weights = self._floats(inputs[1]).transpose((3, 0, 1, 2) if is_by_channel else (0, 3, 1, 2))
        options = operator.table(4)
        result = self.graph.step(
            "Conv",
            self.results[inputs[0]],
            self.graph.constant(weights),
            self.graph.constant(self._floats(inputs[2])),
            group=len(weights) if is_by_channel else 1,
            **self._window(options, weights.shape[2:], inputs[0], output),
        )
        return self.graph.step("Relu", result) if options.number(4 if is_by_channel else 3, "<b") == _RELU else result

    def _convolve_by_channel(self, operator: _Table, inputs: list[int], output: int) -> str:
        return self._convolve(operator, inputs, output, is_by_channel=True)

    def _pool(self, operator: _Table, inputs: list[int], output: int) -> str:
        options = operator.table(4)
        kernel = (options.number(4, "<i"), options.number(3, "<i"))
        window = self._window(options, kernel, inputs[0], output)
        return self.graph.step("MaxPool", self.results[inputs[0]], kernel_shape=kernel, **window)

    def _window(self, options: _Table, kernel: tuple[int, ...], image: int, output: int) -> dict[str, Any]:
        strides = (options.number(2, "<i", 1), options.number(1, "<i", 1))
        pads = [0, 0]
        if options.number(0, "<b") == _SAME:
            pads = [
                max((after - 1) * stride + size - before, 0)
                for before, after, stride, size in zip(
                    self.shape(image)[1:3], self.shape(output)[1:3], strides, kernel, strict=True
                )
            ]
        begins = [pad // 2 for pad in pads]  # an odd row more stands at the end
        return {"strides": strides, "pads": [*begins, *(pad - begin for pad, begin in zip(pads, begins, strict=True))]}

    def _add(self, operator: _Table, inputs: list[int], _: int) -> str:
        result = self.graph.step("Add", *(self.results[tensor] for tensor in inputs))
        return self.graph.step("Relu", result) if operator.table(4).number(0, "<b") == _RELU else result

    def _prelu(self, _: _Table, inputs: list[int], __: int) -> str:
        return self.graph.prelu(self.results[inputs[0]], self._floats(inputs[1]).ravel())

    def _pad(self, _: _Table, inputs: list[int], __: int) -> str:
        pads = self._constant(inputs[1])[[0, 3, 1, 2]].T.ravel().astype(np.int64)
        return self.graph.step("Pad", self.results[inputs[0]], self.graph.constant(pads))

    def _reshape(self, _: _Table, inputs: list[int], __: int) -> str:
        return self.flat(inputs[0])

    def _channels_last(self, tensor: int) -> str:
        return self.graph.step("Transpose", self.results[tensor], perm=[0, 2, 3, 1])


_Adding = Callable[[_Network, _Table, list[int], int], str | None]

_OPERATORS: Final[Mapping[int, _Adding]] = MappingProxyType(
    {
        0: _Network._add,
        3: _Network._convolve,
        4: _Network._convolve_by_channel,
        6: _Network._unpack,
        17: _Network._pool,
        22: _Network._reshape,
        34: _Network._pad,
        54: _Network._prelu,
    }
)
