"""Opens the face models for inference."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto

from rekognition_local.engine.weights import dlib_resnet, graphs, model_files, opencv_zoo, tflite
from rekognition_local.engine.weights.model_files import ModelError, ModelFile

# A larger input than the usual search's (640 x 640 pixels in floats) leaves no memory taken behind.
_LARGE_BYTES = 640 * 640 * 3 * 4
_SHRINKING = onnxruntime.RunOptions()
_SHRINKING.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")


class Network:
    """An ONNX model opened for inference; safe to call from several threads.

    `input_shape` has the first input's dimensions, a name or None where any size is taken; `output_shapes` has every
    output's, by its name, in the order of the results.
    """

    def __init__(self, model: ModelProto | Path) -> None:
        """Opens a built graph, or a user's `.onnx` file; ModelError where onnxruntime cannot run it."""
        source = str(model) if isinstance(model, Path) else model.SerializeToString()
        try:
            self._session = open_session(source, keeps_memory=True)
        except Exception as error:  # onnxruntime's errors share no public base class
            name = model if isinstance(model, Path) else model.graph.name
            raise ModelError(f"onnxruntime cannot open {name}.") from error
        first, *_ = self._session.get_inputs()
        self._input, self.input_shape = first.name, list(first.shape)
        self.output_shapes = {output.name: list(output.shape) for output in self._session.get_outputs()}

    def __call__(self, batch: NDArray[np.uint8] | NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """All outputs for one batch."""
        return list(self._session.run(None, {self._input: batch}, _SHRINKING if batch.nbytes > _LARGE_BYTES else None))


def open_session(model: bytes | str, *, keeps_memory: bool = False) -> onnxruntime.InferenceSession:
    """An ONNX model, its bytes or its path, opened on the CPU.

    `keeps_memory` keeps what a run took for the next run. Without it the system clears the same pages anew for each
    run, which takes a third of a detector's time.
    """
    options = onnxruntime.SessionOptions()
    # Images are worked on side by side, and onnxruntime releases Python's lock: the callers' threads scale.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = keeps_memory
    options.enable_mem_pattern = False  # every image has another size, and each would have a plan of its own
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def network(file: ModelFile) -> Network:
    """The network of one of the face models; what it takes and gives is said where its graph is made."""
    return Network(_GRAPHS[file](file.content()))


_GRAPHS: Mapping[ModelFile, Callable[[bytes], ModelProto]] = {
    model_files.SFACE: lambda content: opencv_zoo.sface(content, in_bytes=graphs.multiplies_bytes()),
    model_files.YUNET: opencv_zoo.yunet,
    model_files.RESNET: dlib_resnet.resnet,
    model_files.ONET: graphs.onet,
    # Points (n, 1404) as x, y, z in pixels; presence (n, 1).
    model_files.FACE_MESH: partial(tflite.convert, name="face_mesh"),
    # Of a left eye: lids and brow (n, 213), iris (n, 15), as x, y, z.
    model_files.IRIS: partial(tflite.convert, name="iris"),
}
