"""The client's own values have the fields of the contract's answers, so that neither can change alone."""

import dataclasses
from typing import Any

import pytest
from pydantic import BaseModel

from face_validation.client import people, validation_request, validation_result
from face_validation_function.contract import answer, answers, records

# Of the request, beside the answer.
ASKED = {"threshold"}
# Parts of an answer that the client leaves out.
LEFT_OUT = {"id_request"}


@pytest.mark.parametrize(
    ("values", "model"),
    [
        (validation_result.ValidationResult, answers.ValidationAnswer),
        (validation_result.Boxes, answers.Boxes),
        (validation_result.ImageAnalysis, answers.SeenSide),
        (validation_result.Face, answers.SeenFace),
        (validation_result.Document, answers.SeenDocument),
        (validation_result.Box, answers.Box),
        (validation_result.Quality, answer.QualityOfBoth),
        (validation_result.Measure, answer.Measure),
        (validation_result.ReadDocument, answer.ReadDocument),
        (validation_result.DocumentField, answer.DocumentField),
        (people.EnrolledFace, answers.FaceAnswer),
        (people.PersonMatch, answers.Match),
        (people.FoundFace, answers.FoundFace),
        (people.VerificationResult, answers.VerificationAnswer),
        (people.BoxesOfOne, answers.BoxesOfOne),
        (validation_request.LivenessSession, answers.LivenessSessionAnswer),
        (people.Erased, answers.ErasedCounts),
        (people.UploadForm, answers.UploadAnswer),
    ],
    ids=lambda one: one.__name__,
)
def test_the_clients_values_have_the_fields_of_the_answers(values: Any, model: type[BaseModel]) -> None:
    fields = {field.name for field in dataclasses.fields(values)}

    assert fields - ASKED - LEFT_OUT == set(model.model_fields) - LEFT_OUT


def test_pages_of_faces_and_of_jobs_have_the_names_that_the_client_reads() -> None:
    assert {"faces", "next_token"} <= set(answers.FacesAnswer.model_fields)
    assert {"jobs", "next_token"} <= set(records.JobsAnswer.model_fields)


def test_the_two_results_of_a_search_have_the_fields_of_its_answer() -> None:
    one, everybody = (
        {field.name for field in dataclasses.fields(kind)} for kind in (people.SearchResult, people.EverybodyResult)
    )

    assert one | everybody == set(answers.SearchAnswer.model_fields)
