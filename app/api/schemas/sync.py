"""Queries of the synchronisation calls."""

from marshmallow import fields, validate

from app.api.parsing import Flag, StrictSchema
from app.contract.task_names import Effect


class ReplayQuerySchema(StrictSchema):
    """Which of an event's effects; by default all that are dead."""

    effect = fields.String(load_default=None, validate=validate.OneOf([str(effect) for effect in Effect]))


class ReconcileQuerySchema(StrictSchema):
    """Whether to repair what is found."""

    dry_run = Flag(load_default=False)
