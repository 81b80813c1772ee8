"""What the people function works with, made once for each process."""

from typing import Any

from face_validation_function.integrations.aws_client import aws_client
from face_validation_function.integrations.faces_table import FacesTable
from face_validation_function.integrations.rekognition_service import CollectionService, RekognitionService
from face_validation_function.integrations.s3_service import S3Service
from face_validation_function.services.enrolment import EnrolmentService
from face_validation_function.services.identification import IdentificationService
from face_validation_function.services.kept_photos import KeptPhotos
from face_validation_function.services.reindex import ReindexService
from face_validation_function.settings import PeopleSettings
from face_validation_function.utils.logging_config import service_logger


class PeopleAdapters:
    """The logger and the services, which hold no state, over boto3 clients."""

    def __init__(self, settings: PeopleSettings, *, rekognition: Any, s3: Any, dynamodb: Any) -> None:
        images, faces, bucket = S3Service(s3), RekognitionService(rekognition), settings.faces_bucket
        table = FacesTable(dynamodb, settings.faces_table, settings.collection_id)
        collection = CollectionService(rekognition, lambda: table.collections().active)
        self.settings, self.s3, self.table = settings, images, table
        self.enrolment = EnrolmentService(images, faces, collection, table, settings)
        self.identification = IdentificationService(images, faces, collection, table, bucket)
        self.kept = KeptPhotos(images, collection, table, bucket)
        self.reindexing = ReindexService(images, faces, collection, table, settings)
        self.logger = service_logger(settings.log_level)

    @classmethod
    def from_environment(cls) -> "PeopleAdapters":
        """Adapters for the process's environment; raises ValueError, naming the variable that is missing."""
        settings, rekognition = PeopleSettings.from_environment(), aws_client("rekognition")
        return cls(settings, rekognition=rekognition, s3=aws_client("s3"), dynamodb=aws_client("dynamodb"))
