"""A task that does nothing: the yardstick of `bench.ratios` for what Celery and the broker themselves take."""

from celery import Celery

app = Celery("bench.noop")
app.config_from_object("celeryconfig")


@app.task
def nothing() -> None:
    """Do nothing."""
