"""OpenTelemetry's side of `app.tracing`: spans, sent over OTLP/HTTP. Needs the extra `tracing`.

The library itself reads where to send them and which to sample (`OTEL_*`). It sends them in a thread of its own: in a web process
a green one, whose waiting keeps nobody else waiting. What a collector does not take is dropped.
"""

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

# Spans that are encoded in one go, which keeps the event loop from others for about two milliseconds.
AT_ONCE = 64
# Seconds that the end of a process waits for a collector.
PATIENCE = 3.0
SERVER_ERROR = 500

_w3c = TraceContextTextMapPropagator()


class RequestSpan:
    """The span of a request, current until it ends."""

    def __init__(self, tracer: Tracer, method: str, header: Callable[[str], str | None]) -> None:
        carrier = {name: value for name in _w3c.fields if (value := header(name))}
        attributes = {"http.request.method": method}
        self._span = tracer.start_span(method, _w3c.extract(carrier), SpanKind.SERVER, attributes)
        self._method = method
        self._token = context.attach(set_span_in_context(self._span))

    def answered(self, route: str, status: int) -> None:
        """Note what became of the request."""
        self._span.update_name(f"{self._method} {route}")
        self._span.set_attributes({"http.route": route, "http.response.status_code": status})
        if status >= SERVER_ERROR:
            self._span.set_status(StatusCode.ERROR)

    def end(self) -> None:
        """End it."""
        context.detach(self._token)
        self._span.end()


class Tracing:
    """A process's spans and their way to the collector.

    Args:
        process: what the process is.
        exporter: where spans go, if not to the collector.
    """

    def __init__(self, process: str, exporter: SpanExporter | None = None) -> None:
        instance = f"{process}.{os.getpid()}@{socket.gethostname()}"
        own = Resource.create({"service.name": "lockstep", "service.instance.id": instance})
        # Once more, since ours are only what holds unless the environment says otherwise.
        resource = own.merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(), max_export_batch_size=AT_ONCE))
        self._tracer = self._provider.get_tracer("lockstep")

    def close(self) -> None:
        """Send what is left."""
        # The library's own patience is half a minute.
        ending = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        ending.start()
        ending.join(PATIENCE)

    def request(self, method: str, header: Callable[[str], str | None]) -> RequestSpan:
        """Begin the span of a request."""
        return RequestSpan(self._tracer, method, header)

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Measure a block."""
        with self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as span:
            try:
                yield
            except Exception as error:
                _failed(span, error)
                raise

    def traceparent(self) -> str | None:
        """Return the present trace's context."""
        return _written(context.get_current())

    @contextmanager
    def following(
        self, name: str, traceparents: Sequence[str | None], attributes: Mapping[str, str | int] | None
    ) -> Iterator[Sequence[str | None] | None]:
        """Measure a block as a part of several traces."""
        # Once for each cause: an import's unit of work has hundreds of events.
        spans = {one: self._continued(name, one, attributes) for one in dict.fromkeys(traceparents) if one is not None}
        if not spans:
            yield None
            return
        own = {one: _written(set_span_in_context(span)) for one, span in spans.items()}
        try:
            yield [None if one is None else own[one] for one in traceparents]
        except Exception as error:
            for span in spans.values():
                _failed(span, error)
            raise
        finally:
            for span in spans.values():
                span.end()

    def _continued(self, name: str, traceparent: str, attributes: Mapping[str, str | int] | None) -> Span:
        cause = _w3c.extract({"traceparent": traceparent})
        return self._tracer.start_span(name, cause, SpanKind.CONSUMER, attributes)


def _failed(span: Span, error: Exception) -> None:
    # Not its message: one of the database's has what was to be written, which is not for a collector.
    span.set_status(StatusCode.ERROR, type(error).__name__)


def _written(of: context.Context) -> str | None:
    carrier: dict[str, str] = {}
    _w3c.inject(carrier, of)
    return carrier.get("traceparent")
