"""How requests are read: strict JSON, unknown fields refused, texts normalised."""

import json
import math
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, wraps
from typing import Any, TypeVar
from urllib.parse import unquote_plus, unquote_to_bytes

from flask import Request, request
from flask_smorest.fields import Upload
from marshmallow import RAISE, Schema, ValidationError, fields, validate
from webargs import missing
from webargs.flaskparser import FlaskParser, is_json_request
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import CombinedMultiDict, FileStorage, MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from app.api.context import offload
from app.domain.content import forbidden_characters, normalised, pasted
from app.domain.pricing import AMOUNT

View = TypeVar("View", bound=Callable[..., Any])

# No object here has nearly so many, and each unknown one is named in the answer.
MAX_KEYS = 1000
# A body of a megabyte takes a quarter of a second to parse; from this many bytes on that is not done on the event loop.
LONG_BODY = 16_000
# Elements of a list that are checked before the other connections get their turn.
CHECKED_AT_ONCE = 50
# Bytes that a form may have around its file.
ENVELOPE = 100_000
_RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})")
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,20}")


class StrictParser(FlaskParser):
    """Reads JSON bodies that are UTF-8, without duplicate keys, NaN or absurd depth; refuses every unknown field."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE, "json": RAISE, "files": RAISE}

    def _get_schema(self, argmap: Any, req: Request) -> Schema:
        return _made(argmap) if isinstance(argmap, type) else super()._get_schema(argmap, req)

    def _raw_load_json(self, req: Request) -> Any:
        body = req.get_data(cache=True)
        # What is longer than allowed and came in chunks has been cut off silently.
        if req.content_length is None and len(body) >= (req.max_content_length or math.inf):
            raise RequestEntityTooLarge
        # Not by its type: eventlet calls a request without a body and without a type text/plain, and some clients say JSON.
        if not body:
            return missing
        if not is_json_request(req):
            raise UnsupportedMediaType("Send the body as application/json.")
        try:
            return _parsed(body) if len(body) < LONG_BODY else offload(_parsed, body)
        except (ValueError, RecursionError) as error:
            raise BadRequest(f"The body is not valid JSON: {_wrong_with(error)}") from error

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        """Return the query, each field but lists sent once: of `dry_run=false&dry_run=true` neither may count."""
        _refuse_broken(_broken_in(req.query_string))
        gathered = tuple(field.prefix for field in schema.fields.values() if isinstance(field, Gathered))
        _refuse_repeated(req.args, _lists_of(schema) | {name for name in req.args if gathered and name.startswith(gathered)})
        return super().load_querystring(req, schema)

    def load_files(self, req: Request, schema: Schema) -> Any:
        """Return the fields of a multipart form, files and texts; each sent once, but for lists, which are a field many times."""
        if req.mimetype != "multipart/form-data":
            raise UnsupportedMediaType("Send the file in a multipart/form-data body.")
        try:
            form: CombinedMultiDict[str, Any] = CombinedMultiDict([req.files, req.form])
        except RequestEntityTooLarge:
            if req.content_length is None or req.content_length > (req.max_content_length or 0):
                raise
            most, size = f"{req.max_form_parts:,}", f"{req.max_form_memory_size:,}"
            raise BadRequest(f"The form has more than {most} fields, or texts of {size} bytes beside its files.") from None
        _refuse_repeated(form, _lists_of(schema))
        # What Werkzeug makes of bytes that are no UTF-8.
        _refuse_broken([name for name, value in _every(form) if isinstance(value, str) and "\ufffd" in value])
        return self._makeproxy(form, schema)


@cache
def _made(schema: type[Schema]) -> Schema:
    """Return an instance of a schema, which keeps nothing of what it loads: making one takes longer than most loads."""
    return schema()


def _every(form: MultiDict[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name in form for value in form.getlist(name)]


def _broken_in(query: bytes) -> list[str]:
    """Return the fields of a query that are no UTF-8. Werkzeug leaves the percent signs of such bytes where they are."""
    pairs = query.split(b"&") if b"%" in query else []
    return [unquote_plus(pair.partition(b"=")[0].decode("latin-1")) for pair in pairs if not _is_utf8(unquote_to_bytes(pair))]


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _refuse_broken(names: Collection[str]) -> None:
    if names:
        raise ValidationError({name: ["Send this text in UTF-8."] for name in names})


def _lists_of(schema: Schema) -> set[str]:
    return {name for name, field in schema.fields.items() if isinstance(field, fields.List)}


def _refuse_repeated(form: MultiDict[str, Any], lists: Collection[str] = ()) -> None:
    if repeated := [name for name in form if name not in lists and len(form.getlist(name)) > 1]:
        raise ValidationError({name: ["Send this field once."] for name in repeated})


def takes_file(most_bytes: int) -> Callable[[View], View]:
    """Let a view alone have a body that a file of this size fits in, with the form around it."""

    def decorate(view: View) -> View:
        @wraps(view)
        def receive(*arguments: Any, **options: Any) -> Any:
            request.max_content_length = most_bytes + ENVELOPE
            return view(*arguments, **options)

        return receive  # type: ignore[return-value] # wraps keeps the signature

    return decorate


class NotJsonError(ValueError):
    """A body is refused that Python would take for JSON."""


def _parsed(body: bytes) -> Any:
    parsed = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    if b"\\u" in body:
        # A lone surrogate written as an escape survives the parser, but no encoder.
        json.dumps(parsed, ensure_ascii=False).encode("utf-8")
    return parsed


def _wrong_with(error: ValueError | RecursionError) -> str:
    """Return what is wrong with a body, in words that say nothing of what reads it."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 (byte {error.start})"
    if isinstance(error, UnicodeEncodeError):
        return "half of a surrogate pair is no character"
    # What else Python refuses is a whole number of thousands of digits.
    return str(error) if isinstance(error, json.JSONDecodeError | NotJsonError) else "a number has too many digits"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_KEYS:
        raise NotJsonError(f"an object has more than {MAX_KEYS} keys")
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJsonError("an object names a key twice")
    return found


def _refuse_constant(name: str) -> None:
    raise NotJsonError(f"{name} is not JSON")


class StrictSchema(Schema):
    """A body whose fields are all known."""

    class Meta:
        """Refuse what is not declared, and keep the declared order."""

        unknown = RAISE


_PARSER = StrictParser()
_NOTHING = StrictSchema()


def refuse_unread(locations: Collection[str]) -> None:
    """Refuse what the present request sends in its body or query, if its view reads neither there: it might be a condition.

    Raises:
        HTTPException: 415, 400 or 422, as a view that reads it would answer.
    """
    if not {"json", "files"} & {*locations} and request.get_data():
        _PARSER.parse(_NOTHING, request, location="json")
    if "query" not in locations and request.args:
        _PARSER.parse(_NOTHING, request, location="query")


class Text(fields.String):
    """Text in NFC, trimmed, without control or invisible characters; `multiline` allows line breaks, and `identifier` not even
    the invisible characters that words are spelt with."""

    def __init__(self, *, multiline: bool = False, identifier: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.multiline = multiline
        self.identifier = identifier

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        text = normalised(super()._deserialize(value, attr, data, **options))
        if reason := forbidden_characters(text, multiline=self.multiline, identifier=self.identifier):
            raise ValidationError(f"The text {reason}; remove it.")
        return text


class SearchText(Text):
    """What somebody looks for, often copied from elsewhere."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        return super()._deserialize(pasted(value) if isinstance(value, str) else value, attr, data, **options)


class Gathered(fields.Field[Any]):
    """What all fields of a query say whose names begin with `prefix`; `gathered` reads them. In the OpenAPI document it is an
    object, whose members a form sends each by its own name."""

    def __init__(self, prefix: str, **options: Any) -> None:
        super().__init__(**options)
        self.prefix = prefix

    def _deserialize(self, value: Any, *_context: Any, **_options: Any) -> Any:
        return value


def gathered(data: Mapping[str, Any], prefix: str) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Return the fields of a query whose names begin with `prefix`, each with all its values, and the others as they are."""
    every: Any = data.data if isinstance(data, MultiDictProxy) else None
    ours = [name for name in data if name.startswith(prefix)]
    listed = {name: every.getlist(name) if every is not None else _listed(data[name]) for name in ours}
    return listed, {name: data[name] for name in data if name not in listed}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


class File(Upload):  # type: ignore[misc] # flask-smorest is untyped
    """An uploaded file, as Werkzeug's `FileStorage`. What it calls itself and its type is hearsay."""

    def _deserialize(self, value: Any, *_context: Any, **_options: Any) -> FileStorage:
        if not isinstance(value, FileStorage):
            raise ValidationError("Send this field as a file: with a file name, in a multipart form.")
        return value


class Money(fields.Field[Decimal]):
    """An amount as a string with at most ten digits and six decimals, such as "12.50"."""

    def _deserialize(self, value: Any, *_context: Any, **_options: Any) -> Decimal:
        if not isinstance(value, str) or not AMOUNT.fullmatch(value):
            raise ValidationError('An amount is a string with at most ten digits and six decimals, such as "12.50".')
        return Decimal(value)


class Moment(fields.AwareDateTime):
    """A moment with its offset from UTC, RFC 3339, within the years 1 to 9999 in UTC."""

    def __init__(self, **options: Any) -> None:
        remedy = "Give a moment with its offset from UTC, such as 2026-01-31T12:00:00Z."
        super().__init__(format="iso", error_messages={"invalid": remedy, "invalid_awareness": remedy}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> datetime:
        written = str(value).upper()
        # Python reads weeks, ordinal days and times without seconds, too.
        if not _RFC_3339.fullmatch(written):
            if _RFC_3339.fullmatch("+".join(written.rsplit(" ", 1))):
                raise ValidationError("In an address a plus sign is written %2B; as it stands here it is a space.")
            raise ValidationError("Not a moment with its offset, such as 2026-01-31T12:00:00Z.")
        moment = super()._deserialize(written, attr, data, **options)
        try:
            return moment.astimezone(UTC)
        except OverflowError as error:
            raise ValidationError("Not a moment within the years 1 to 9999.") from error


class Items(fields.List[Any]):
    """A list of `least` to `most` elements, counted before any is looked at: a hostile one costs no more than its parsing, and a
    long one is checked a few at a time."""

    def __init__(self, element: fields.Field[Any], *, most: int, least: int = 0, **options: Any) -> None:
        super().__init__(element, validate=validate.Length(min=least or None, max=most), **options)
        self._most = most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> list[Any]:
        if isinstance(value, list) and len(value) > self._most:
            raise ValidationError(f"Longer than maximum length {self._most}.")
        return super()._deserialize(_in_turns(value) if isinstance(value, list) else value, attr, data, **options)


def _in_turns(values: list[Any]) -> Iterator[Any]:
    for number, value in enumerate(values, 1):
        yield value
        if number % CHECKED_AT_ONCE == 0:
            time.sleep(0)


class Flag(fields.Boolean):
    """`true` or `false` in a query, also with a capital as Python writes them; not `1`, `on` or `yes`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(truthy={"true", "True"}, falsy={"false", "False"}, **options)


class Switch(fields.Boolean):
    """`true` or `false` in JSON; never a string or a number."""

    def _deserialize(self, value: Any, *_context: Any, **_options: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class WholeNumber(fields.Integer):
    """A whole number in a query: ASCII digits, without the spaces, underscores and other scripts' digits that Python reads."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> int:
        if not _WHOLE_NUMBER.fullmatch(str(value)):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **options)


class Quantity(fields.Integer):
    """A whole number that PostgreSQL's integer holds; never a string, a float or a boolean."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strict=True, **options)
