"""Flask's extensions, built empty and bound in the factory."""

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

from app.models import Base

db = SQLAlchemy(metadata=Base.metadata)
migrate = Migrate()
limiter = Limiter(get_remote_address, in_memory_fallback_enabled=True, headers_enabled=True)
