"""The operations that are built, by their name in the model."""

from collections.abc import Mapping
from types import MappingProxyType

from rekognition_local.operations import collection_faces, collections, faces, labels, liveness, searches, texts, users
from rekognition_local.operations.service import Operation

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "AssociateFaces": users.associate_faces,
        "CompareFaces": faces.compare_faces,
        "CreateCollection": collections.create_collection,
        "CreateFaceLivenessSession": liveness.create_face_liveness_session,
        "CreateUser": users.create_user,
        "DeleteCollection": collections.delete_collection,
        "DeleteFaces": collection_faces.delete_faces,
        "DeleteUser": users.delete_user,
        "DescribeCollection": collections.describe_collection,
        "DetectFaces": faces.detect_faces,
        "DetectLabels": labels.detect_labels,
        "DetectText": texts.detect_text,
        "DisassociateFaces": users.disassociate_faces,
        "GetFaceLivenessSessionResults": liveness.get_face_liveness_session_results,
        "IndexFaces": collection_faces.index_faces,
        "ListCollections": collections.list_collections,
        "ListFaces": collection_faces.list_faces,
        "ListTagsForResource": collections.list_tags_for_resource,
        "ListUsers": users.list_users,
        "SearchFaces": searches.search_faces,
        "SearchFacesByImage": searches.search_faces_by_image,
        "SearchUsers": searches.search_users,
        "SearchUsersByImage": searches.search_users_by_image,
        "TagResource": collections.tag_resource,
        "UntagResource": collections.untag_resource,
    }
)
