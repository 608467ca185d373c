-- What Kafka is told of, through ops/debezium/outbox.json (docs/scale.md). Run as the tables' owner; `wal_level` must be `logical`.
-- Only new events: that old ones are pruned is nobody's business. Only of the catalog: others name staff and keys.
CREATE PUBLICATION lockstep_outbox
    FOR TABLE outbox_events WHERE (aggregate_type = 'part' OR aggregate_type = 'category')
    WITH (publish = 'insert');
