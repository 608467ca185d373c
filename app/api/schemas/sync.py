"""Queries of the audit and synchronisation calls."""

from marshmallow import fields, validate

from app.api.parsing import Moment, StrictSchema, Text
from app.api.schemas.parts import PageQuerySchema
from app.contract.task_names import Effect
from app.domain.stock import LARGEST_QUANTITY

_ID = validate.Range(min=1, max=LARGEST_QUANTITY)


class AuditQuerySchema(PageQuerySchema):
    """Which changes."""

    part_id = fields.Integer(validate=_ID)
    table_name = Text(validate=validate.Length(max=100))
    record_id = fields.Integer(validate=_ID)
    operation = fields.String(validate=validate.OneOf(("INSERT", "UPDATE", "DELETE")))
    changed_by = fields.Integer(validate=_ID)
    since = Moment(data_key="from")
    until = Moment(data_key="to")


class ReplayQuerySchema(StrictSchema):
    """Which of an event's effects; without it, all that are dead."""

    effect = fields.String(load_default=None, validate=validate.OneOf([str(effect) for effect in Effect]))


class ReconcileQuerySchema(StrictSchema):
    """Whether to repair what is found."""

    dry_run = fields.Boolean(load_default=False)
