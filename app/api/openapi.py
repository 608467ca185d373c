"""Makes the OpenAPI document say all that a call takes and answers: who may call it, every status, headers, links, examples.

What flask-smorest knows (schemas, paths, summaries) stands with the views; the rest follows from rules, stated here once, so that
no view can forget it. A test lets Schemathesis hold the document against the running server.
"""

import json
import re
from base64 import b64encode
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

from apispec import APISpec, BasePlugin
from apispec.ext.marshmallow.common import make_schema_key
from flask import Flask, Response
from flask_smorest import Api
from marshmallow import fields, validate
from werkzeug.routing import Rule

from app.api import errors
from app.api.converters import BigIdConverter, IdConverter
from app.api.idempotency import HEADER, REPLAYED
from app.api.parsing import Gathered, Money, Text
from app.api.rate_limits import LEFT, POLICY
from app.api.request_context import EVENT_IDS, MAX_EVENT_IDS, policy
from app.api.schemas.answers import ProblemSchema
from app.api.schemas.described import SHAPES, Described
from app.contract.messages import ANSWERED, SENT, TAKEN
from app.contract.messages.json_schema import object_schema, shapes_within
from app.domain.content import CONTROLS, INVISIBLE, LINE_ENDS, SPELLING, UNSEEN
from app.domain.pricing import AMOUNT
from app.services.authentication import ANY_SCOPE, NO_SCOPE

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
UNSAFE = frozenset({"post", "put", "patch", "delete"})
DESCRIPTION = (
    "Lockstep keeps a parts store's admin panel and customer website in lockstep. Errors are problem documents (RFC 9457). Lists"
    " are continued with `cursor`. A write that states `version` (or `If-Match`) fails with 409 (412) and the present state if"
    " somebody else was faster. An unsafe call with an `Idempotency-Key` can be sent again safely. The messages of the Socket.IO"
    " namespaces are described as schemas: `ToCustomers`, `FromCustomers` and `AnswersToCustomers` list those of `/customers` by"
    " name, `ToStaff`, `FromStaff` and `AnswersToStaff` those of `/admin`."
)
SECURITY_SCHEMES = {
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "For machines: made by an administrator (`POST /admin/api-keys`) or `flask create-api-key`.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "lockstep_session",
        "description": "For browsers: set by the log-in. In production its name is `__Host-lockstep_session`.",
    },
    "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token", "description": "Goes with the session's unsafe methods."},
}
PROBLEMS = {
    400: "The request cannot be understood: broken JSON, or a cursor of another list.",
    401: "Nobody is logged in.",
    403: "The role or the API key's scopes do not suffice, or the CSRF token is missing.",
    404: "There is nothing here.",
    409: "The present state does not allow this; `code` says why, and a concurrent modification comes with `current`. While the"
    " first call with this `Idempotency-Key` is under way, `Retry-After` says when to try again.",
    412: "The version in `If-Match` is not the present one; `current` is.",
    413: "The body is too large.",
    415: "The body is of another type than the call takes.",
    422: "Fields do not fit; `errors` says which and what each expects. Or the `Idempotency-Key` belongs to another call.",
    429: "Too many calls, or too many attempts to log in; `Retry-After` says when to try again.",
    503: "The database is busy or away; try again after `Retry-After`.",
}
IF_MATCH = {
    "in": "header", "name": "If-Match", "required": False, "schema": {"type": "string", "pattern": '^"[1-9][0-9]{0,9}"$'},
    "description": 'The version that the writer saw, as a strong tag such as `"7"`; an alternative to `version`.',
}  # fmt: skip
IDEMPOTENCY_KEY = {
    "in": "header", "name": HEADER, "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}  # fmt: skip
KEPT = (
    "Names this call, so that it may be sent again after a lost answer: for 24 hours the same call with the same key changes"
    " nothing more and gets the first answer. A refusal is not kept. Make up a new key, such as a UUID, for every call."
)
REPLAYED_HEADER = {
    "description": "This is the answer to an earlier call with the same key.", "schema": {"type": "string", "enum": ["true"]},
}  # fmt: skip
EVENT_IDS_HEADER = {
    "description": "The events of what the call has changed, separated by commas; the first"
    f" {MAX_EVENT_IDS} of them. `GET /admin/events/{{event_id}}` tells what became of one. Absent if nothing was changed.",
    "schema": {"type": "string"},
}
REQUEST_ID = {"description": "Quote it when you report a problem.", "required": True, "schema": {"type": "string"}}
# Attempts to log in that could not be counted are not told of.
RATE_LIMITS = {
    POLICY: {
        "description": "The limits that the call counted towards: `calls` of one API key or person in one process of the server,"
        " `log-ins` of one client on one account. `q` may be made at once, and as many in any `w` seconds.",
        "schema": {"type": "string"}, "example": '"calls";q=10000;w=10',
    },
    LEFT: {
        "description": "Of each of them: `r` are left, and in `t` seconds it is whole again. A call that is refused need not wait"
        " for so long: `Retry-After` tells.",
        "schema": {"type": "string"}, "example": '"calls";r=9987;t=1',
    },
}  # fmt: skip
PUBLIC_HEADERS = {
    "ETag": {
        "description": "Strong, another one for each content coding; send it as `If-None-Match`.", "required": True,
        "schema": {"type": "string"},
    },
    "X-Cache": {
        "description": "How the cache answered.", "required": True,
        "schema": {"type": "string", "enum": ["HIT", "MISS", "BYPASS"]},
    },
}  # fmt: skip
LOCATION = {"Location": {"description": "Where it is now.", "required": True, "schema": {"type": "string"}}}
# One example of each body, recorded from a real system; a test compares them with their schemas.
EXAMPLES: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "examples.json").read_text())


def document(app: Flask) -> Api:
    """Return the API whose blueprints describe themselves in one document."""
    api = _Api(app, spec_kwargs={"extra_plugins": [_Completion(app)], "info": {"description": DESCRIPTION}})
    for converter in (IdConverter, BigIdConverter):
        api.register_converter(converter, lambda one: {"type": "integer", "minimum": 1, "maximum": one.largest})
    api.register_field(Money, "string", "decimal")
    api.ma_plugin.converter.add_attribute_function(_patterns)
    for name, scheme in SECURITY_SCHEMES.items():
        api.spec.components.security_scheme(name, scheme)
    for status, description in PROBLEMS.items():
        api.spec.components.response(f"Problem{status}", _problem(status, description))
    # Storefronts generate their types from this document, so it describes the socket's messages as well.
    described = shapes_within(*SENT.values(), *TAKEN.values(), *ANSWERED.values())
    for name, shape in described.items():
        api.spec.components.schema(name, object_schema(shape))
    for schema, shape in SHAPES.items():
        if shape in described.values():
            api.ma_plugin.converter.refs[make_schema_key(schema())] = shape.__name__
    return api


class _Api(Api):  # type: ignore[misc] # flask-smorest is untyped
    """flask-smorest with our own errors in place of its own."""

    ERROR_SCHEMA = ProblemSchema

    def handle_http_exception(self, error: Any) -> Any:
        """Answer as a problem document."""
        return errors.http_error(error)

    def _openapi_swagger_ui(self) -> Response:
        """Return Swagger UI's page, and let its policy name the inline script that flask-smorest's template holds."""
        page: str = super()._openapi_swagger_ui()
        digests = [sha256(script.encode()).digest() for script in _INLINE_SCRIPT.findall(page)]
        named = [f"'sha256-{b64encode(digest).decode()}'" for digest in digests]
        return Response(page, headers={"Content-Security-Policy": policy(*named)})


def _problem(status: int, description: str) -> dict[str, Any]:
    headers: dict[str, Any] = {"X-Request-ID": REQUEST_ID}
    if status == 429:
        headers |= RATE_LIMITS
    if status in {409, 429, 503}:
        headers["Retry-After"] = {"description": "Seconds.", "required": status != 409, "schema": {"type": "string"}}
    return {"description": description, "content": {"application/problem+json": {"schema": ProblemSchema}}, "headers": headers}


def _patterns(_converter: Any, field: fields.Field[Any], **_options: Any) -> dict[str, Any]:
    """Say of a field what its class checks, in the terms of JSON Schema."""
    if isinstance(field, Described):
        return field.schema
    if isinstance(field, Money):
        return {"pattern": f"^{AMOUNT.pattern}$"}
    if isinstance(field, Gathered):
        return {
            "type": "object",
            "propertyNames": {"pattern": f"^{re.escape(field.prefix)}."},
            "additionalProperties": {"type": "string"},
        }  # fmt: skip
    if isinstance(field, Text):
        # Where in a text a joiner may stand is more than a pattern says.
        refused = CONTROLS + INVISIBLE + (SPELLING + UNSEEN if field.identifier else "") + ("" if field.multiline else LINE_ENDS)
        lengths = [one.min or 0 for one in field.validators if isinstance(one, validate.Length)]
        # A text of white space alone is trimmed to nothing.
        filled = rf"[^{refused}\s][^{refused}]*" if max(lengths, default=0) else ""
        return {"pattern": f"^[^{refused}]*{filled}$"}
    for validator in field.validators:
        if isinstance(validator, validate.Regexp):
            return {"pattern": str(validator.regex.pattern).replace(r"\Z", "$")}
    return {}


class _Completion(BasePlugin):
    """Adds to each operation what follows from its view, path and method."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def init_spec(self, spec: APISpec) -> None:
        """Nothing to prepare."""

    def operation_helper(
        self,
        path: str | None = None,  # noqa: ARG002 — apispec's signature
        operations: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        """Complete the operations of one path."""
        rule: Rule = options["rule"]
        view = self._app.view_functions[rule.endpoint]
        for method, operation in (operations or {}).items():
            operation["operationId"] = rule.endpoint.replace(".", "_")
            _secure(operation, method, view)
            _answer(operation, method, rule, view)
            _exemplify(operation)


def _secure(operation: dict[str, Any], method: str, view: Any) -> None:
    role = getattr(view, "required_role", None)
    if role is None:
        operation["security"] = []
        return
    session: dict[str, list[str]] = {"session": [], "csrf": []} if method in UNSAFE else {"session": []}
    operation["security"] = [{"apiKey": []}, session]
    scope = view.required_scope
    limit = {ANY_SCOPE: "any", NO_SCOPE: "none suffices, so it takes one without scopes"}.get(scope, f"`{scope}`")
    operation["description"] = f"Role: {role} or above. Scope of an API key that is limited to scopes: {limit}."
    if view.needs_step_up:
        operation["description"] += (
            " A person who has not proven who they are within the last ten minutes is answered `step_up_required` (403):"
            " see `POST /auth/step-up`."
        )


def _answer(operation: dict[str, Any], method: str, rule: Rule, view: Any) -> None:
    responses = operation["responses"]
    responses.pop("default", None)
    secured, body, parameters = bool(operation["security"]), operation.get("requestBody"), operation.get("parameters", [])
    conditional = getattr(view, "heeds_if_match", False)
    statuses = {503}
    statuses |= {401, 403, 429} if secured else set()
    statuses |= {404} if rule.arguments else set()
    statuses |= {400, 413, 415, 422} if body else set()
    statuses |= {400, 422} if parameters else set()
    statuses |= {400, 409, 412} if conditional else set()
    kept = method in UNSAFE and not hasattr(view, "keeps_no_answer")
    statuses |= {400} if method in UNSAFE else set()
    statuses |= {409, 422} if kept else set()
    statuses |= set(getattr(view, "also_answers", ()))
    for status in statuses:
        responses[status] = f"Problem{status}"
    if conditional:
        operation.setdefault("parameters", []).append(deepcopy(IF_MATCH))
    if method in UNSAFE:
        description = KEPT if kept else f"The answer is not kept: {view.keeps_no_answer}"
        operation.setdefault("parameters", []).append(deepcopy(IDEMPOTENCY_KEY) | {"description": description})
    if parameters:
        # From the HTTP server itself, so without a problem document.
        responses[414] = {"description": "The address is too long."}
    public = method == "get" and not secured
    for status, response in responses.items():
        if status < 400:
            own: dict[str, Any] = LOCATION if status == 301 else PUBLIC_HEADERS if public else {}
            own = {REPLAYED: REPLAYED_HEADER, EVENT_IDS: EVENT_IDS_HEADER} if kept else own
            own |= RATE_LIMITS if 429 in statuses else {}
            response.setdefault("headers", {}).update({"X-Request-ID": REQUEST_ID} | own)
    if public:
        headers = {name: PUBLIC_HEADERS[name] for name in ("ETag",)} | {"X-Request-ID": REQUEST_ID}
        responses[304] = {"description": "What the client holds is still so.", "headers": headers}


def _exemplify(operation: dict[str, Any]) -> None:
    example = EXAMPLES.get(operation["operationId"], {})
    if "request" in example and "requestBody" in operation:
        for content in operation["requestBody"]["content"].values():
            content["example"] = example["request"]
    for status, response in operation["responses"].items():
        if status < 300 and "response" in example:
            for content in response.get("content", {}).values():
                content["example"] = example["response"]
