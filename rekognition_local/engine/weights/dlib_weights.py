"""Reads the layers of dlib's face recognition network out of its own file format, without dlib.

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

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Input:
    """The image: `side` pixels square, RGB; `means` per channel are subtracted, then all is divided by 256."""

    means: tuple[float, float, float]
    side: int


@dataclass(frozen=True, slots=True)
class Convolution:
    """Weights (filters, channels, height, width), one bias a filter; stride and padding are (vertical, horizontal)."""

    weights: Floats
    biases: Floats
    stride: tuple[int, int]
    padding: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Affine:
    """A batch normalisation frozen after training: gamma * x + beta, per channel."""

    gamma: Floats
    beta: Floats


@dataclass(frozen=True, slots=True)
class Relu:
    """max(0, x)."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Maximum or mean of a window, (height, width); a window of (0, 0) is the whole plane."""

    kind: str
    window: tuple[int, int]
    stride: tuple[int, int]


@dataclass(frozen=True, slots=True)
class AddPrevious:
    """Adds the residual block's input; the smaller of the two is filled with zeros at its far ends."""


@dataclass(frozen=True, slots=True)
class FullyConnected:
    """A linear layer without bias: weights (inputs, outputs)."""

    weights: Floats


Layer = Input | Convolution | Affine | Relu | Pool | AddPrevious | FullyConnected


class _Values:
    """Takes dlib's serialised values from the front of a file's bytes."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    @property
    def exhausted(self) -> bool:
        return self._at == len(self._content)

    def take(self, count: int) -> bytes:
        """The next `count` bytes.

        Raises:
            ValueError: the file ends before.
        """
        taken = self._content[self._at : self._at + count]
        if len(taken) != count:
            raise ValueError("dlib's file ends in the middle of a value.")
        self._at += count
        return taken

    def integer(self) -> int:
        control = self.take(1)[0]
        magnitude = int.from_bytes(self.take(control & 0x0F), "little")
        return -magnitude if control & 0x80 else magnitude

    def integers(self, count: int) -> list[int]:
        return [self.integer() for _ in range(count)]

    def real(self) -> float:
        mantissa, exponent = self.integers(2)
        return float(mantissa * 2.0**exponent)

    def text(self, length: int | None = None) -> str:
        return self.take(self.integer() if length is None else length).decode("ascii")

    def tensor(self) -> Floats:
        version, *shape = self.integers(5)
        if version != 2:
            raise ValueError(f"A tensor of dlib has version {version}, 2 expected.")
        return np.frombuffer(self.take(4 * int(np.prod(shape))), "<f4").reshape(shape)


def read_layers(content: bytes) -> list[Layer]:
    """The layers of `dlib_face_recognition_resnet_model_v1.dat`, from the image to the 128 numbers.

    Raises:
        ValueError: the bytes are not such a file.
    """
    values = _Values(content)
    _, name, *_ = values.integer(), values.text(), values.real(), values.real()
    if name != "loss_metric_2":
        raise ValueError(f"dlib's file holds {name!r}, not a face recognition network.")
    # The wrappers' versions are 1 to 3, the length of the first name is more.
    while (length := values.integer()) <= 3:
        pass
    values.text(length)
    layers: list[Layer] = [Input((values.real(), values.real(), values.real()), values.integers(2)[0])]
    while not values.exhausted:
        layers.append(_read_layer(values))
        values.take(3)
        _ = values.tensor(), values.tensor(), values.tensor()
        if len(layers) == 2:
            values.integer()  # only the layer next to the image stores how many samples an image gives
    return layers


def _read_layer(values: _Values) -> Layer:
    """The next layer's name and own fields."""
    match name := values.text():
        case "con_4":
            parameters = values.tensor().ravel()
            filters, height, width, *stride_and_padding = values.integers(7)
            values.integers(10)  # the shapes of weights and biases, which follow from the others
            _ = [values.real() for _ in range(4)]  # learning rates
            weights = parameters[:-filters].reshape(filters, -1, height, width)
            stride_y, stride_x, padding_y, padding_x = stride_and_padding
            return Convolution(weights, parameters[-filters:], (stride_y, stride_x), (padding_y, padding_x))
        case "affine_":
            gamma, beta = values.tensor().reshape(2, -1)
            values.integers(11)
            return Affine(gamma, beta)
        case "relu_":
            return Relu()
        case "add_prev_":
            return AddPrevious()
        case "max_pool_2" | "avg_pool_2":
            height, width, stride_y, stride_x, _, _ = values.integers(6)
            return Pool(name[:3], (height, width), (stride_y, stride_x))
        case "fc_2":
            values.integers(2)
            parameters = values.tensor()
            values.integers(11)
            _ = [values.real() for _ in range(4)]
            return FullyConnected(parameters.reshape(parameters.shape[0], -1))
    raise ValueError(f"dlib's file holds a layer {name!r} that this network does not have.")
