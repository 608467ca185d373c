"""Flask's extension, created unbound and bound to the application in the factory."""

from flask_sqlalchemy import SQLAlchemy

from app.models import Base

db = SQLAlchemy(metadata=Base.metadata)
