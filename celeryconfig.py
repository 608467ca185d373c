"""Celery's configuration, shared by the worker, beat, Flower and the web processes (which override the timeouts).

The outbox table is the truth and a message only a wake-up, so Celery need not remember anything: no results, no ETAs, no retries.
"""

from config import settings_or_exit

_settings = settings_or_exit()

broker_url = _settings.celery_broker_url
# kombu's own for RabbitMQ would wait for ever for a broker that says nothing. None: as the URL says.
broker_transport = {"amqp": "app.sync.amqp:Transport", "amqps": "app.sync.amqp:SSLTransport"}.get(broker_url.partition(":")[0])
# With RabbitMQ, how soon a worker notices that its connection leads nowhere: within twice as many seconds.
broker_heartbeat = 10.0
# A wake-up need not survive the broker, and RabbitMQ would confirm it only once it is on the disk.
task_default_delivery_mode = "transient"
task_serializer = "json"
accept_content = ["json"]
result_backend = None
task_ignore_result = True
timezone = "UTC"

# A task killed with its worker is redelivered; the sweep wakes the effect long before that.
task_acks_late = True
task_reject_on_worker_lost = True
worker_prefetch_multiplier = 1
task_soft_time_limit = 60
task_time_limit = 90
task_default_queue = "sync.records"

# The time limit is below the visibility timeout, so a running task is never delivered twice. `queue_order_strategy`: a worker
# that serves both queues takes the tasks for pages and caches before those for records.
# `global_keyprefix`: other installations may share the Valkey. With RabbitMQ, a virtual host in the URL keeps them apart.
broker_transport_options = {
    "global_keyprefix": _settings.prefix,
    "visibility_timeout": 120,
    "unacked_restore_limit": 100,
    "queue_order_strategy": "priority",
    "socket_keepalive": True,
    # A connection may lead nowhere and nobody says so. Without these, a worker that waits for an answer takes no tasks until the
    # kernel gives the connection up.
    "health_check_interval": 3,
    "socket_timeout": 3.0,
    "socket_connect_timeout": 3.0,
    # For RabbitMQ: what is published counts only once it is confirmed, which takes at most so many seconds.
    "confirm_publish": True,
    "read_timeout": 5.0,
}
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
# A broker that answers with an error, as Valkey does to every write while its disk is full, is one to reconnect to as well;
# otherwise the worker would exit, and only begin to start anew when the broker is well again.
broker_channel_error_retry = True
# A worker that reconnects to its broker must not keep working on tasks that are then redelivered to another worker.
worker_cancel_long_running_tasks_on_connection_loss = True

worker_send_task_events = True
worker_concurrency = _settings.worker_concurrency
worker_hijack_root_logger = False
worker_redirect_stdouts = False

RECONCILE_EVERY = 60.0
# `expiration` is measured by RabbitMQ; Celery's `expires` would compare beat's clock with the worker's.
beat_scheduler = "workers.timetable:Timetable"
beat_schedule = {
    "reconcile": {"task": "sync.reconcile", "schedule": RECONCILE_EVERY, "options": {"expiration": RECONCILE_EVERY}},
    # As a rule a web process's sweep finds the date that has come. A tick that is not taken before the next is not worth taking:
    # that does the same work (`workers.tasks._TICKS`).
    "price-dates": {"task": "sync.apply_price_dates", "schedule": 5.0, "options": {"expiration": 5.0, "queue": "sync.live"}},
    "image-variants": {"task": "catalog.make_image_variants", "schedule": 30.0, "options": {"expiration": 30.0}},
    # A job whose worker died is taken over when its lease has expired.
    "imports": {"task": "catalog.import_parts", "schedule": 10.0, "options": {"expiration": 10.0}},
    # Often, so that there is little to do each time; a run that is not done asks for another one.
    "prune": {"task": "sync.prune", "schedule": 60.0, "options": {"expiration": 60.0}},
    "files": {"task": "catalog.forget_files", "schedule": 3600.0, "options": {"expiration": 3600.0}},
}
beat_schedule_filename = str(_settings.home / "beat-schedule")
# As often as it says that it is alive (`app.sync.heartbeats`).
beat_max_loop_interval = 2

# Web processes: publishing fails within a tenth of a second, and Celery itself never retries it.
PUBLISHER = {
    "task_publish_retry": False,
    "broker_connection_timeout": 0.1,
    "broker_connection_retry": False,
    "broker_transport_options": broker_transport_options
    | {"socket_timeout": 0.1, "socket_connect_timeout": 0.1, "read_timeout": 0.1, "max_retries": 0},
    "task_send_sent_event": False,
}
