"""Beat's timetable, which survives that its clock is set back."""

from typing import Any

from celery.beat import PersistentScheduler

from workers.heartbeat import heartbeats


class Timetable(PersistentScheduler):
    """Celery's own would not send anything until its clock has come to where it was, not even if beat is started again."""

    def tick(self, *arguments: Any, **options: Any) -> float:
        """Send what is due; return the seconds until something may be."""
        heartbeats().beat()
        now = self.app.now()
        ahead = [entry for entry in self.schedule.values() if entry.last_run_at is not None and entry.last_run_at > now]
        for entry in ahead:
            entry.last_run_at = now
        if ahead:
            # In the order of times by the clock as it was.
            self._heap = None
        return float(super().tick(*arguments, **options))
