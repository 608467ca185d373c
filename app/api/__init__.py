"""HTTP: blueprints, schemas, authentication, errors."""
