"""Makes ONNX graphs of MediaPipe's TFLite files, without TensorFlow: the few operators that those networks have.

A TFLite file is a FlatBuffer: tables that point to the fields that they have. The numbers of fields and operators are
those of the schema: github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from flatbuffers.number_types import Int8Flags, Int32Flags, Uint8Flags
from numpy.typing import NDArray
from onnx import ModelProto

from rekognition_local.engine.weights.graphs import Floats, Graph

_PADDINGS = ("SAME_UPPER", "VALID")
_RELU = 1


def convert(content: bytes, name: str) -> ModelProto:
    """A network of one image: uint8 (n, h, w, 3) RGB 0-255, which it sees as 0-1 -> each result as (n, numbers)."""
    model = _Table(flatbuffers.Table(content, 0)).pointed(0)
    (network,) = model.tables(2)
    reading = _Network(model, network)
    (image,), results = network.numbers(1).tolist(), network.numbers(2).tolist()
    reading.results[image] = reading.graph.pixels_first(np.zeros(3, np.float32), 255)
    for operator in network.tables(3):
        reading.add(operator)
    _, height, width, channels = reading.shape(image)
    outputs = [(reading.flat(result), ("n", int(np.prod(reading.shape(result))))) for result in results]
    return reading.graph.model(name, ("n", height, width, channels), outputs)


@dataclass(frozen=True, slots=True)
class _Table:
    """One table of a FlatBuffer; its fields by their numbers in the schema."""

    table: flatbuffers.Table

    def number(self, field: int, kind: type = Int32Flags, default: int = 0) -> int:
        return int(self.table.GetSlot(4 + 2 * field, default, kind))

    def numbers(self, field: int, kind: type = Int32Flags) -> NDArray[Any]:
        at = self._offset(field)
        return np.asarray(self.table.GetVectorAsNumpy(kind, at)) if at else np.empty(0, np.int32)

    def child(self, field: int) -> "_Table":
        return self.pointed(self.table.Pos + self._offset(field))

    def tables(self, field: int) -> list["_Table"]:
        at = self._offset(field)
        return [self.pointed(self.table.Vector(at) + 4 * item) for item in range(self.table.VectorLen(at) if at else 0)]

    def pointed(self, place: int) -> "_Table":
        return _Table(flatbuffers.Table(self.table.Bytes, self.table.Indirect(place)))

    def _offset(self, field: int) -> int:
        """How far behind the table's place the field is; 0 where the table lacks it."""
        return int(self.table.Offset(4 + 2 * field))


class _Network:
    """The graph as far as it is read: TFLite's results, which have their channels last, by the names of ours."""

    def __init__(self, model: _Table, network: _Table) -> None:
        self.graph = Graph()
        self.results: dict[int, str] = {}
        self._codes = [max(code.number(0, Int8Flags), code.number(3)) for code in model.tables(1)]
        self._buffers = model.tables(4)
        self._tensors = network.tables(0)
        self._unpacked: dict[int, int] = {}  # a tensor of single precision -> the half-precision one that it is made of

    def shape(self, tensor: int) -> list[int]:
        return list(self._tensors[tensor].numbers(0).tolist())

    def flat(self, tensor: int) -> str:
        """(n, numbers), in TFLite's order; results of one pixel have the same order in both layouts."""
        shape, result = self.shape(tensor), self.results[tensor]
        if len(shape) == 4 and shape[1:3] != [1, 1]:
            result = self.graph.step("Transpose", result, perm=[0, 2, 3, 1])
        return self.graph.step("Flatten", result)

    def add(self, operator: _Table) -> None:
        """Translate one operator of the file."""
        image, *others = operator.numbers(1).tolist()
        (output,) = operator.numbers(2).tolist()
        code, graph = self._codes[operator.number(0)], self.graph
        if code == 6:  # DEQUANTIZE: constants in half precision, made single
            self._unpacked[output] = image
            return
        result = self.results[image]
        match code:
            case 0:  # ADD
                result = graph.step("Add", result, *(self.results[tensor] for tensor in others))
                result = self._activated(result, operator.child(4).number(0, Int8Flags))
            case 3 | 4:  # CONV_2D, DEPTHWISE_CONV_2D
                (weights, bias), options, is_by_channel = map(self._floats, others), operator.child(4), code == 4
                # TFLite: (out, h, w, in), by channel (1, h, w, channels); ONNX: (out, in, h, w).
                kernel = weights.transpose((3, 0, 1, 2) if is_by_channel else (0, 3, 1, 2))
                constants, groups = (graph.constant(kernel), graph.constant(bias)), len(kernel) if is_by_channel else 1
                result = graph.step("Conv", result, *constants, group=groups, **_window(options))
                result = self._activated(result, options.number(4 if is_by_channel else 3, Int8Flags))
            case 17:  # MAX_POOL_2D
                options = operator.child(4)
                kernel_shape = options.number(4), options.number(3)
                result = graph.step("MaxPool", result, kernel_shape=kernel_shape, **_window(options))
            case 22:  # RESHAPE
                result = self.flat(image)
            case 34:  # PAD
                pads = self._constant(others[0])[[0, 3, 1, 2]].T.ravel().astype(np.int64)
                result = graph.step("Pad", result, graph.constant(pads))
            case 54:  # PRELU
                result = graph.prelu(result, self._floats(others[0]).ravel())
            case _:
                raise ValueError(f"The file has the operator {code}, which this reader does not know.")
        self.results[output] = result

    def _constant(self, tensor: int) -> NDArray[Any]:
        stored = self._tensors[self._unpacked.get(tensor, tensor)]
        kind = {0: np.float32, 1: np.float16, 2: np.int32}[stored.number(1, Int8Flags)]
        return self._buffers[stored.number(2)].numbers(0, Uint8Flags).view(kind).reshape(stored.numbers(0))

    def _floats(self, tensor: int) -> Floats:
        return self._constant(tensor).astype(np.float32)

    def _activated(self, result: str, activation: int) -> str:
        return self.graph.step("Relu", result) if activation == _RELU else result


def _window(options: _Table) -> dict[str, Any]:
    """How a convolution or a pooling moves over the image: down and across."""
    strides = options.number(2, default=1), options.number(1, default=1)
    return {"strides": strides, "auto_pad": _PADDINGS[options.number(0, Int8Flags)]}
