"""Every model file that the engine may open: its carrier, its path inside it, and its hash.

To add one: a `Carrier` (with the hash of one wheel, where `rekognition-local models` must be able to fetch it), a
`ModelFile`, its place in `MODEL_FILES`, and the carrier in `pyproject.toml` where its dependencies allow that.
"""

from rekognition_local.engine.weights.carriers import Carrier, ModelFile, Wheel

_FACE_RECOGNITION_MODELS = Carrier("face-recognition-models", "0.3.0", "face_recognition_models")
_MTCNN = Carrier("mtcnn", "1.0.0", "mtcnn", Wheel("0a96b4868e56db9ae984449519642be6dba03240e608a67e928ebb47833e9144"))
_RAPIDOCR = Carrier("rapidocr", "3.10.0", "rapidocr")

RESNET = ModelFile(
    _FACE_RECOGNITION_MODELS,
    "models/dlib_face_recognition_resnet_model_v1.dat",
    "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
)
PNET = ModelFile(_MTCNN, "assets/weights/pnet.lz4", "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5")
RNET = ModelFile(_MTCNN, "assets/weights/rnet.lz4", "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee")
ONET = ModelFile(_MTCNN, "assets/weights/onet.lz4", "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3")
# rapidocr's code is never imported: it may fetch a model that it does not find.
TEXT_DETECTOR = ModelFile(
    _RAPIDOCR, "models/PP-OCRv6_det_small.onnx", "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"
)
TEXT_RECOGNISER = ModelFile(
    _RAPIDOCR, "models/PP-OCRv6_rec_small.onnx", "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"
)

MODEL_FILES = (RESNET, PNET, RNET, ONET, TEXT_DETECTOR, TEXT_RECOGNISER)
