"""The Celery application and its tasks, a few lines each: they call `app.sync` and `app.services`."""
