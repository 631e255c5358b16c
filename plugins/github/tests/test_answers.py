"""What is told of GitHub's refusals, in shapes that its documentation gives and no recording has."""

from __future__ import annotations

import json

from copydesk.http import Answer
from copydesk_github import api


def refusal(*errors: object) -> Answer:
    body = {"message": "Validation Failed", "errors": list(errors)}
    return Answer(422, {"Content-Type": "application/json"}, json.dumps(body).encode())


def test_field_refused_by_a_code_is_named():
    """GitHub refuses a head that is not there with a field and a code, without a sentence."""
    said = api.sentence_of(refusal({"resource": "PullRequest", "field": "head", "code": "invalid"}))
    assert said == "Validation Failed: PullRequest head invalid"


def test_field_refused_in_words_is_told_once():
    error = {"resource": "PullRequest", "code": "custom", "message": "No commits between main and cms/a"}
    assert api.sentence_of(refusal(error)) == "Validation Failed: No commits between main and cms/a"


def test_errors_of_another_shape_are_passed_over():
    assert api.sentence_of(refusal("just words", None)) == "Validation Failed: just words"
    assert api.sentence_of(Answer(422, {}, b"[1]")) == ""
    assert api.sentence_of(Answer(422, {}, b"<html>")) == ""
