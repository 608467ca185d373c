"""What is read from a request, value by value."""

from datetime import UTC, datetime

import pytest
from marshmallow import ValidationError

from app.api.parsing import Moment


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31t12:00:00z",
        "2026-01-31 12:00:00z",
        "2026-01-31T14:00:00+02:00",
        "2026-01-31t12:00:00.0z",
    ],
)
def test_a_moment_is_read_in_every_form_of_rfc_3339(written: str) -> None:
    assert Moment().deserialize(written) == datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_a_plus_sign_that_became_a_space_is_named() -> None:
    with pytest.raises(ValidationError, match="%2B"):
        Moment().deserialize("2026-01-31T14:00:00 02:00")
