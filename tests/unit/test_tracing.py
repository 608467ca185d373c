"""What spans say, and how they hang together; `tests/live/test_tracing.py` has them sent by a whole system."""

from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app import tracing
from app.otlp import Tracing

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = "00-1bf7651916cd43dd8448eb211c80319c-c8ad6b7169203331-01"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What the spans of this process are sent to."""
    kept = InMemorySpanExporter()
    monkeypatch.setattr(tracing, "_tracing", Tracing("test", kept))
    return kept


def sent(collector: InMemorySpanExporter) -> Sequence[ReadableSpan]:
    """End the process's traces, and return all its spans."""
    tracing.stop()
    return collector.get_finished_spans()


def test_an_error_is_named_but_not_quoted_since_it_may_hold_what_was_to_be_written(collector: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="hunter2"), tracing.span("unit of work"):
        raise ValueError("hunter2")
    with pytest.raises(KeyError), tracing.following("deliver", [CALLER]):
        raise KeyError("hunter2")
    spans = sent(collector)
    assert [span.status.description for span in spans] == ["ValueError", "KeyError"]
    assert "hunter2" not in "".join(span.to_json() for span in spans)


def test_what_concerns_several_traces_is_one_span_of_each(collector: InMemorySpanExporter) -> None:
    with tracing.following("deliver", [CALLER, None, OTHER, CALLER]) as own:
        assert own is not None
        assert [one and one[:36] for one in own] == [CALLER[:36], None, OTHER[:36], CALLER[:36]]
    assert [span.parent and f"{span.parent.span_id:016x}" for span in sent(collector)] == [CALLER[36:52], OTHER[36:52]]


def test_a_request_ends_with_its_span_and_what_follows_in_the_same_thread_is_not_its(collector: InMemorySpanExporter) -> None:
    span = tracing.request("PUT", {"traceparent": CALLER}.get)
    assert span is not None
    assert tracing.traceparent() is not None
    span.answered("/parts/<id>", 500)
    span.end()
    assert tracing.traceparent() is None
    [request] = sent(collector)
    assert request.name == "PUT /parts/<id>"
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 500
    assert not request.status.is_ok


def test_what_nobody_traces_costs_nothing_and_says_nothing() -> None:
    assert not tracing.is_on()
    assert tracing.request("PUT", {"traceparent": CALLER}.get) is None
    with tracing.span("unit of work"), tracing.following("deliver", [CALLER]) as own:
        assert own is None
        assert tracing.traceparent() is None
