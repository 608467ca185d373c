"""Users, sessions and API keys."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, text

SYSTEM_EMAIL = "system@lockstep.invalid"

_BY_EMAIL = text("""
    SELECT id, email, name, role, password_hash FROM users WHERE lower(email) = lower(:email) AND is_active
""")
_BY_SESSION = text("""
    SELECT u.id, u.email, u.name, u.role, s.csrf_token
    FROM user_sessions s JOIN users u ON u.id = s.user_id
    WHERE s.token_digest = :digest AND s.expires_at > clock_timestamp() AND u.is_active
""")
_BY_KEY = text("""
    SELECT u.id, u.email, u.name, k.role
    FROM api_keys k JOIN users u ON u.id = k.user_id
    WHERE k.key_digest = :digest AND k.revoked_at IS NULL AND u.is_active
""")
_OPEN_SESSION = text("""
    INSERT INTO user_sessions (token_digest, csrf_token, user_id, expires_at)
    VALUES (:digest, :csrf_token, :user_id, clock_timestamp() + :lifetime)
""")
_CLOSE_SESSION = text("DELETE FROM user_sessions WHERE token_digest = :digest")
_FORGET_EXPIRED = text("DELETE FROM user_sessions WHERE expires_at < clock_timestamp()")
_CREATE_USER = text("""
    INSERT INTO users (email, name, password_hash, role) VALUES (:email, :name, :password_hash, :role)
    ON CONFLICT ((lower(email))) DO UPDATE SET name = EXCLUDED.name, password_hash = EXCLUDED.password_hash,
        role = EXCLUDED.role, is_active = true, updated_at = clock_timestamp()
    RETURNING id
""")
_CREATE_KEY = text("""
    INSERT INTO api_keys (name, key_digest, role, user_id) VALUES (:name, :digest, :role, :user_id) RETURNING id
""")
_SYSTEM = text("SELECT id, name FROM users WHERE email = :email")
_HAS_ADMIN = text("SELECT EXISTS (SELECT FROM users WHERE role = 'admin' AND is_active AND password_hash IS NOT NULL)")


def by_email(engine: Engine, email: str) -> Row[Any] | None:
    """Return the active user with this address, in whatever case, or None."""
    with engine.connect() as connection:
        return connection.execute(_BY_EMAIL, {"email": email}).one_or_none()


def by_session(engine: Engine, digest: str) -> Row[Any] | None:
    """Return whom an unexpired session belongs to, with its CSRF token, or None."""
    with engine.connect() as connection:
        return connection.execute(_BY_SESSION, {"digest": digest}).one_or_none()


def by_key(engine: Engine, digest: str) -> Row[Any] | None:
    """Return whom an API key acts as, with the key's own role, or None."""
    with engine.connect() as connection:
        return connection.execute(_BY_KEY, {"digest": digest}).one_or_none()


def open_session(engine: Engine, digest: str, csrf_token: str, user_id: int, lifetime: timedelta) -> None:
    """Keep a new log-in, and forget those that have expired."""
    with engine.begin() as connection:
        connection.execute(_FORGET_EXPIRED)
        parameters = {"digest": digest, "csrf_token": csrf_token, "user_id": user_id, "lifetime": lifetime}
        connection.execute(_OPEN_SESSION, parameters)


def close_session(engine: Engine, digest: str) -> None:
    """Forget a log-in at once."""
    with engine.begin() as connection:
        connection.execute(_CLOSE_SESSION, {"digest": digest})


def create_user(engine: Engine, email: str, name: str, password_hash: str, role: str) -> int:
    """Create a user, or give the one with this address a new name, password and role; return the id."""
    parameters = {"email": email, "name": name, "password_hash": password_hash, "role": role}
    with engine.begin() as connection:
        return int(connection.execute(_CREATE_USER, parameters).scalar_one())


def create_key(engine: Engine, name: str, digest: str, role: str, user_id: int) -> int:
    """Keep the digest of a new API key; return its id."""
    with engine.begin() as connection:
        parameters = {"name": name, "digest": digest, "role": role, "user_id": user_id}
        return int(connection.execute(_CREATE_KEY, parameters).scalar_one())


def has_administrator(engine: Engine) -> bool:
    """Whether anybody can log in as an administrator."""
    with engine.connect() as connection:
        return bool(connection.execute(_HAS_ADMIN).scalar_one())


def system(connection: Connection) -> Row[Any]:
    """Return the user that the machine's own changes are attributed to."""
    return connection.execute(_SYSTEM, {"email": SYSTEM_EMAIL}).one()
