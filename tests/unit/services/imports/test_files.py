"""A catalog file is opened in its encoding, or refused by what is wrong with it, never left to fail where it is stored."""

import io

import pytest

from app.domain.imports.errors import ImportFileError, RowError
from app.services.imports.files import open_text

CSV = "sku;part_name\nA;Größe\n"


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (CSV.encode(), None), (CSV.encode("utf-8-sig"), None), (CSV.encode("utf-16"), None),
        (CSV.encode("cp1252"), "windows-1252"), (CSV.encode("utf-16-be"), "utf-16"),
        (b"\xfe\xff" + CSV.encode("utf-16-be"), None), (CSV.encode("utf-16-le"), "utf-16"),
    ],
)  # fmt: skip
def test_a_file_is_read_in_the_encoding_that_it_or_somebody_states(raw: bytes, encoding: str | None) -> None:
    assert open_text(io.BufferedReader(io.BytesIO(raw)), encoding).read() == CSV


@pytest.mark.parametrize(
    ("raw", "remedy"),
    [
        (CSV.encode("utf-16-le"), "name its encoding, utf-16"), (CSV.encode("utf-16-be"), "name its encoding, utf-16"),
        (CSV.encode("utf-32"), "save it as CSV UTF-8"), (b"\0\0\xfe\xff" + CSV.encode("utf-32-be"), "save it as CSV UTF-8"),
    ],
)  # fmt: skip
def test_a_file_whose_encoding_nobody_states_is_refused_with_the_remedy(raw: bytes, remedy: str) -> None:
    with pytest.raises(ImportFileError) as refused:
        open_text(io.BufferedReader(io.BytesIO(raw)))
    ((line, field, reason),) = refused.value.errors
    assert (line, field) == (1, "file")
    assert remedy in reason


def test_what_is_said_of_a_file_can_be_stored() -> None:
    """PostgreSQL stores neither NUL nor a lone surrogate."""
    error = ImportFileError([RowError(1, "Gr\0e", "no \udcf6")], columns=[{"name": "Gr\0e"}])
    assert error.errors == [RowError(1, "Gr\ufffde", "no \ufffd")]
    assert error.columns == [{"name": "Gr\ufffde"}]
