"""Flask's extensions, built empty and bound in the factory."""

from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

from app.models import Base

db = SQLAlchemy(metadata=Base.metadata)
migrate = Migrate()
