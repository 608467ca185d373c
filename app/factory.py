"""`create_app`: the Flask application around a wired container. It serves only HTTP; `app.live` adds the sockets."""

from collections.abc import Callable
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import orjson
from celery import Celery
from flask import Flask, Request
from flask.json.provider import JSONProvider
from flask.sessions import SessionInterface

import celeryconfig
from app.api import (
    content_coding,
    context,
    cors,
    edge,
    errors,
    health,
    idempotency,
    media,
    openapi,
    rate_limits,
    request_context,
    site,
)
from app.api.account import blueprint as account_blueprint
from app.api.admin import audit, bulk, categories, events, images, imports, overview, parts, people, stock, sync, versions
from app.api.asking import ask
from app.api.auth import blueprint as auth_blueprint
from app.api.context import Context
from app.api.converters import BigIdConverter, IdConverter, PageConverter
from app.api.public import catalog, pdp
from app.api.rendering import Cursors
from app.api.shortcut import Shortcut
from app.arrival import Arrival
from app.container import build_container
from app.extensions import db
from app.services.authentication import Authenticator
from app.services.call_limits import CallLimits
from app.services.login_limits import LoginLimits
from app.services.offload import Offload, at_once
from app.store.database import engine_options, in_transactions
from app.sync.verification import Verifier
from config import Settings

if TYPE_CHECKING:
    from app.services.passkeys import Passkeys

BLUEPRINTS = (
    auth_blueprint, account_blueprint, parts.blueprint, images.blueprint, categories.blueprint, stock.blueprint,
    bulk.blueprint, versions.blueprint, audit.blueprint, imports.blueprint, sync.blueprint, events.blueprint, people.blueprint,
    overview.blueprint, catalog.blueprint, pdp.blueprint,
)  # fmt: skip


class OrjsonProvider(JSONProvider):
    """Flask's own JSON (error pages of extensions, the OpenAPI document) through orjson."""

    def dumps(self, obj: Any, **_options: Any) -> str:
        """Return `obj` as JSON text."""
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **_options: Any) -> Any:
        """Return the value of a JSON text."""
        return orjson.loads(s)


class NoSessions(SessionInterface):
    """Instead of Flask's own sessions, which nobody here uses (`app.services.authentication` has ours)."""

    def open_session(self, app: Flask, request: Request) -> None:
        """Return nothing: the session cannot be written to."""


class Application(Flask):
    """Flask without what every request would pay for and none needs: a signer of sessions, and a look whether its functions are
    coroutines."""

    session_interface = NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return `func`, which is no coroutine."""
        return func


def create_app(settings: Settings, offload: Offload = at_once, *, has_commands: bool = True) -> Flask:
    """Build the web application. Connects to nothing yet.

    Args:
        offload: runs a slow function outside the event loop, if there is one.
        has_commands: whether it has its command line, which takes 8 MB with all that it needs.
    """
    app = Application("app", static_folder=None)
    app.json = OrjsonProvider(app)
    app.config.update(_flask_config(settings))
    app.url_map.converters.update(id=IdConverter, bigid=BigIdConverter, page=PageConverter)
    db.init_app(app)
    with app.app_context():
        engine = in_transactions(db.engine)
    container = build_container(settings, engine, publisher(settings), offload=offload)
    idle = timedelta(minutes=settings.session_idle_minutes)
    authenticator = Authenticator(container.engine, container.reading, offload, container.second_factors.check, idle)
    app.extensions["lockstep"] = container
    app.extensions["lockstep_authenticator"] = authenticator
    host = next((host.lstrip(".") for host in settings.allowed_hosts), "localhost")
    login_limits = LoginLimits(settings.redis_url, settings.secret_key, settings.prefix)

    @cache
    def passkeys() -> "Passkeys":
        # When somebody first asks for one, which stops a process for 0.1 to 0.2 s, once: it takes 13 MB.
        from app.services.passkeys import Passkeys

        return Passkeys(container.transactions, container.reading, settings.secret_key)

    call_limits, cursors = CallLimits(settings.calls_per_second), Cursors(settings.secret_key)
    common = Context(container, authenticator, login_limits, call_limits, passkeys, cursors, offload)
    context.install(app.extensions, common)
    answering = Shortcut(app.wsgi_app, common)
    app.extensions["lockstep_verifier"] = Verifier(
        container.reading, container.cache, partial(ask, answering, host), lambda part_id: container.uncached.part(part_id).body,
        container.monitoring,
    )  # fmt: skip
    app.wsgi_app = Arrival(  # type: ignore[method-assign] # as Flask's documentation does
        answering, settings.trusted_proxies, settings.allowed_hosts
    )
    request_context.register(app, https_only=settings.production)
    # Runs after those below, which answer 304 and say what an answer varies by.
    edge.register(app, settings.edges)
    cors.register(app, settings.allowed_origins)
    api = openapi.document(app)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    errors.register(app)
    idempotency.register(app)
    rate_limits.register(app)
    content_coding.register(app)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(media.blueprint)
    app.register_blueprint(site.build(settings.frontend))
    if has_commands:
        from app.commands import register

        register(app)
    return app


def publisher(settings: Settings) -> Celery:
    """Return a Celery application for sending wake-ups, whose publishing fails fast."""
    sender = Celery("lockstep", broker=settings.celery_broker_url, set_as_current=False)
    sender.config_from_object(celeryconfig)
    sender.conf.update(celeryconfig.PUBLISHER, broker_url=settings.celery_broker_url)
    sender.conf.broker_transport_options = sender.conf.broker_transport_options | {"global_keyprefix": settings.prefix}
    return sender


def _flask_config(settings: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": settings.secret_key,
        "MAX_CONTENT_LENGTH": 1_000_000,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(),
        "API_TITLE": "Lockstep",
        "API_VERSION": "v1",
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": "/api/v1" if settings.api_docs else None,
        "OPENAPI_JSON_PATH": "openapi.json",
        "OPENAPI_SWAGGER_UI_PATH": "docs",
        "OPENAPI_SWAGGER_UI_URL": "/api-docs/",
        # By default the page would send the document's URL to Swagger's public validator.
        "OPENAPI_SWAGGER_UI_CONFIG": {"validatorUrl": None},
    }
