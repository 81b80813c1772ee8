"""The operations that are built, by their name in the model."""

from collections.abc import Mapping
from types import MappingProxyType

from rekognition_local import enrolment, faces, galleries, labels, searches, users
from rekognition_local.operations.service import Operation

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "AssociateFaces": users.associate_faces,
        "CompareFaces": faces.compare_faces,
        "CreateCollection": galleries.create_collection,
        "CreateUser": users.create_user,
        "DeleteCollection": galleries.delete_collection,
        "DeleteFaces": enrolment.delete_faces,
        "DeleteUser": users.delete_user,
        "DescribeCollection": galleries.describe_collection,
        "DetectFaces": faces.detect_faces,
        "DetectLabels": labels.detect_labels,
        "DisassociateFaces": users.disassociate_faces,
        "IndexFaces": enrolment.index_faces,
        "ListCollections": galleries.list_collections,
        "ListFaces": enrolment.list_faces,
        "ListUsers": users.list_users,
        "SearchFaces": searches.search_faces,
        "SearchFacesByImage": searches.search_faces_by_image,
        "SearchUsers": searches.search_users,
        "SearchUsersByImage": searches.search_users_by_image,
    }
)
