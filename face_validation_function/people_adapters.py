"""What the people function works with, made once for each process."""

from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger

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


@dataclass(frozen=True, slots=True)
class PeopleAdapters:
    """Settings, the logger and the services, which hold no state."""

    settings: PeopleSettings
    s3: S3Service
    table: FacesTable
    enrolment: EnrolmentService
    identification: IdentificationService
    kept: KeptPhotos
    reindexing: ReindexService
    logger: Logger

    @classmethod
    def from_environment(cls) -> "PeopleAdapters":
        """Adapters for the process's environment; raises ValueError, naming the variable that is missing."""
        return cls.of(
            PeopleSettings.from_environment(),
            rekognition=aws_client("rekognition"),
            s3=aws_client("s3"),
            dynamodb=aws_client("dynamodb"),
        )

    @classmethod
    def of(cls, settings: PeopleSettings, *, rekognition: Any, s3: Any, dynamodb: Any) -> "PeopleAdapters":
        """Adapters over these boto3 clients."""
        images, faces, bucket = S3Service(s3), RekognitionService(rekognition), settings.faces_bucket
        table = FacesTable(dynamodb, settings.faces_table, settings.collection_id)
        collection = CollectionService(rekognition, lambda: table.collections().active)
        return cls(
            settings=settings,
            s3=images,
            table=table,
            enrolment=EnrolmentService(images, faces, collection, table, settings),
            identification=IdentificationService(images, faces, collection, table, bucket),
            kept=KeptPhotos(images, collection, table, bucket),
            reindexing=ReindexService(images, faces, collection, table, settings),
            logger=service_logger(settings.log_level),
        )
