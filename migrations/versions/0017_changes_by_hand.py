"""What is changed by hand (psql, a script, another program) gets its version and its event in its own transaction.

The application says who it is in each of its sessions (`app.store.database`), so its own statements pay for one comparison. For
everybody else the first change of an aspect in a transaction notes the state before it, under the lock that the application takes,
and a deferred trigger compares that with the state at the commit: if it differs, it raises the version and writes the event with
both states and its deliveries. `app.store.by_hand` makes of these what an event of the application says.

Creating the triggers keeps writers waiting until the end of the migration, which reads no rows.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# The previous release, which runs beside this one while that is rolled out, only has its name.
BY_HAND = "current_setting('lockstep.writer', true) IS DISTINCT FROM 'application' AND current_setting('application_name') <> 'lockstep'"
# A role that may write a table need not be able to write the outbox, and none may put a table of its own in the outbox's place.
# A plan made while a table was empty must not read all of it once it is not: `changes_by_hand` grows and shrinks in each transaction.
TRUSTED = "SECURITY DEFINER SET search_path = {schema}, pg_temp SET enable_seqscan = off"

# The state of what has a version, as its event keeps it; amounts are text, to stay exact. The path is that of `app.store.content`,
# but ends if somebody has made the tree a ring.
STATE = """
    CREATE FUNCTION state_of(aspect text, key bigint) RETURNS jsonb LANGUAGE plpgsql SET enable_seqscan = off AS $$
    BEGIN
        CASE aspect
        WHEN 'content' THEN RETURN (
            SELECT to_jsonb(p) - '{price_version,price_boundary,price_updated_by,price_updated_at}'::text[]
                || jsonb_build_object(
                    'is_public', p.status = 'published' AND p.archived_at IS NULL,
                    'last_updated_by_name', (SELECT name FROM users WHERE id = p.last_updated_by),
                    'category_path', (
                        WITH RECURSIVE up AS (
                            SELECT c.id, c.name, c.slug, c.parent_id, 0 AS distance FROM categories c WHERE c.id = p.category_id
                            UNION ALL
                            SELECT c.id, c.name, c.slug, c.parent_id, up.distance + 1
                            FROM up JOIN categories c ON c.id = up.parent_id WHERE up.distance < 100)
                        SELECT jsonb_agg(jsonb_build_object('id', id, 'name', name, 'slug', slug) ORDER BY distance DESC) FROM up),
                    'specifications', COALESCE((
                        SELECT jsonb_agg(jsonb_build_object('name', s.name, 'value', s.value, 'unit', s.unit, 'group', s.group)
                                         ORDER BY s.position, s.id)
                        FROM part_specifications s WHERE s.part_id = p.id), '[]'),
                    'images', COALESCE((
                        SELECT jsonb_agg(jsonb_build_object('id', i.id, 'digest', i.digest, 'extension', i.extension,
                                                            'byte_size', i.byte_size, 'alt', i.alt, 'width', i.width,
                                                            'height', i.height)
                                         ORDER BY i.position, i.id)
                        FROM part_images i WHERE i.part_id = p.id), '[]'))
            FROM parts p WHERE p.id = key);
        WHEN 'stock' THEN RETURN (
            SELECT to_jsonb(s) || jsonb_build_object('is_public', p.status = 'published' AND p.archived_at IS NULL)
            FROM stock_levels s JOIN parts p ON p.id = s.part_id WHERE s.part_id = key);
        WHEN 'price' THEN RETURN (
            SELECT jsonb_build_object(
                'part_id', p.id, 'version', p.price_version, 'updated_at', p.price_updated_at,
                'is_public', p.status = 'published' AND p.archived_at IS NULL,
                'prices', COALESCE((
                    SELECT jsonb_agg(jsonb_build_object('currency', l.currency, 'amount', trim_scale(l.amount)::text,
                                                        'min_quantity', l.min_quantity, 'valid_from', l.valid_from,
                                                        'valid_to', l.valid_to)
                                     ORDER BY l.currency, l.min_quantity, l.valid_from NULLS FIRST)
                    FROM part_prices l WHERE l.part_id = p.id), '[]'),
                'legacy', (SELECT jsonb_build_object('id', o.id, 'currency', o.currency, 'amount', trim_scale(o.amount)::text)
                           FROM prices o WHERE o.part_id = p.id))
            FROM parts p WHERE p.id = key);
        WHEN 'category' THEN RETURN (SELECT to_jsonb(c) FROM categories c WHERE c.id = key);
        WHEN 'user' THEN RETURN (SELECT to_jsonb(u) FROM users u WHERE u.id = key);
        WHEN 'api_key' THEN RETURN (SELECT to_jsonb(k) - 'key_digest' FROM api_keys k WHERE k.id = key);
        WHEN 'synonym' THEN RETURN (SELECT to_jsonb(s) - '{term_key,means_key}'::text[] FROM search_synonyms s WHERE s.id = key);
        END CASE;
    END $$
"""
# The table event -> effects once more (`app.contract.effects`); a test compares them.
EFFECTS = """
    CREATE FUNCTION effects_of(happened text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE
            WHEN happened IN ('part.created', 'content.updated', 'part.deleted', 'part.restored')
            THEN '{invalidate_cache,broadcast,persist_audit,snapshot_content}'::text[]
            WHEN happened IN ('stock.updated', 'price.updated') OR happened LIKE 'category.%' OR happened LIKE 'synonym.%'
            THEN '{invalidate_cache,broadcast,persist_audit}'::text[]
            ELSE '{persist_audit}'::text[]
        END
    $$
"""
# Before the row is written, since afterwards the state before it is gone. The lock comes first: what is noted is what the next
# version follows upon, and a writer in the application waits as it would for another one.
NOTE = """
    CREATE FUNCTION note_change_by_hand() RETURNS trigger LANGUAGE plpgsql {trusted} AS $$
    DECLARE
        old_row jsonb := to_jsonb(OLD);
        new_row jsonb := to_jsonb(NEW);
        aspects text[] := ARRAY[TG_ARGV[0]];
        key bigint;
        what text;
    BEGIN
        IF TG_TABLE_NAME = 'parts' AND TG_OP = 'UPDATE' AND old_row -> 'price_version' <> new_row -> 'price_version' THEN
            aspects := aspects || 'price'::text;
        END IF;
        FOR key IN
            SELECT DISTINCT (given ->> TG_ARGV[1])::bigint AS named FROM (VALUES (old_row), (new_row)) AS rows(given)
            WHERE given ->> TG_ARGV[1] IS NOT NULL ORDER BY named
        LOOP
            FOREACH what IN ARRAY aspects LOOP
                CASE what
                WHEN 'content', 'price' THEN PERFORM FROM parts WHERE id = key FOR NO KEY UPDATE;
                WHEN 'stock' THEN PERFORM FROM stock_levels WHERE part_id = key FOR NO KEY UPDATE;
                ELSE NULL;
                END CASE;
                IF NOT EXISTS (SELECT FROM changes_by_hand c WHERE c.aspect = what AND c.record_id = key) THEN
                    -- Whatever the session has made immediate: the row is not written yet.
                    SET CONSTRAINTS changes_by_hand_told DEFERRED;
                    INSERT INTO changes_by_hand (aspect, record_id, before, is_first, table_name, row_id, operation)
                    VALUES (what, key, state_of(what, key),
                            what = 'stock' AND EXISTS (SELECT FROM changes_by_hand c
                                                       WHERE c.aspect = 'content' AND c.record_id = key AND c.before IS NULL),
                            TG_TABLE_NAME, (COALESCE(new_row, old_row) ->> 'id')::bigint, TG_OP);
                ELSIF what IN ('content', 'price') THEN
                    -- Of changes to several tables the part's own row is named.
                    UPDATE changes_by_hand c SET table_name = 'parts'
                    WHERE c.aspect = what AND c.record_id = key AND c.table_name NOT IN (TG_TABLE_NAME, 'parts');
                END IF;
            END LOOP;
        END LOOP;
        RETURN COALESCE(NEW, OLD);
    END $$
"""
TELL = """
    CREATE FUNCTION tell_change_by_hand() RETURNS trigger LANGUAGE plpgsql {trusted} AS $$
    DECLARE
        told text[] := '{{updated_at,last_updated_by,last_updated_by_name,price_updated_at,category_path}}';
        change changes_by_hand;
        present jsonb;
        author users;
        program text := NULLIF(current_setting('application_name'), '');
        at timestamptz;
        following int;
        happened text;
        event bigint;
    BEGIN
        DELETE FROM changes_by_hand c WHERE c.aspect = NEW.aspect AND c.record_id = NEW.record_id RETURNING * INTO change;
        IF NOT FOUND THEN RETURN NULL; END IF;
        -- What follows is written on behalf of the application. A local setting cannot outlive the transaction, whatever fails.
        PERFORM set_config('lockstep.writer', 'application', true);
        present := state_of(change.aspect, change.record_id);
        IF change.aspect = 'content' AND change.before IS NULL AND present IS NOT NULL THEN
            -- A part has a stock row, be it of nothing.
            INSERT INTO changes_by_hand (aspect, record_id, is_first, table_name, operation)
            VALUES ('stock', change.record_id, true, 'stock_levels', 'INSERT') ON CONFLICT DO NOTHING;
        ELSIF change.aspect = 'stock' AND present IS NULL THEN
            INSERT INTO stock_levels (part_id) SELECT p.id FROM parts p WHERE p.id = change.record_id;
            present := state_of('stock', change.record_id);
        ELSIF change.aspect = 'category' AND present ->> 'parent_id' IS NOT NULL THEN
            PERFORM pg_advisory_xact_lock(hashtext('lockstep: categories'));
            IF EXISTS (WITH RECURSIVE up AS (
                           SELECT c.parent_id FROM categories c WHERE c.id = change.record_id
                           UNION SELECT c.parent_id FROM up JOIN categories c ON c.id = up.parent_id)
                       SELECT FROM up WHERE up.parent_id = change.record_id) THEN
                RAISE EXCEPTION 'category % would be below itself', change.record_id USING ERRCODE = 'check_violation';
            END IF;
        END IF;
        IF present - told IS NOT DISTINCT FROM change.before - told
           OR change.aspect IN ('stock', 'price') AND present - told - 'is_public' = change.before - told - 'is_public' THEN
            PERFORM set_config('lockstep.writer', '', true);
            RETURN NULL;
        END IF;

        SELECT * INTO author FROM users WHERE email = 'system@lockstep.invalid';
        at := clock_timestamp();
        following := 1 + GREATEST(0, (change.before ->> 'version')::int, (
            SELECT max(e.version) FROM outbox_events e
            WHERE e.aggregate_type = CASE WHEN change.aspect IN ('content', 'stock', 'price') THEN 'part' ELSE change.aspect END
              AND e.aggregate_id = change.record_id
              AND e.aspect = CASE WHEN change.aspect IN ('stock', 'price') THEN change.aspect ELSE 'content' END));
        CASE change.aspect
        WHEN 'content' THEN
            UPDATE parts SET version = following, last_updated_by = author.id, updated_at = at WHERE id = change.record_id;
        WHEN 'stock' THEN
            UPDATE stock_levels SET version = following, last_updated_by = author.id, updated_at = at
            WHERE part_id = change.record_id;
        WHEN 'price' THEN
            UPDATE parts SET price_version = following, price_updated_by = author.id, price_updated_at = at,
                price_boundary = (SELECT min(bound) FROM part_prices l
                                  CROSS JOIN LATERAL (VALUES (l.valid_from), (l.valid_to)) AS v(bound)
                                  WHERE l.part_id = change.record_id AND bound > now())
            WHERE id = change.record_id;
        WHEN 'category' THEN
            UPDATE categories SET version = following, updated_at = at WHERE id = change.record_id;
        WHEN 'user' THEN
            UPDATE users SET version = following, updated_at = at WHERE id = change.record_id;
        WHEN 'api_key' THEN
            UPDATE api_keys SET version = following WHERE id = change.record_id;
        ELSE NULL;
        END CASE;
        present := present || jsonb_build_object('version', following, 'updated_at', at);
        IF change.aspect IN ('content', 'stock') THEN
            present := present || jsonb_build_object('last_updated_by', author.id, 'last_updated_by_name', author.name);
        ELSIF change.aspect = 'user' THEN
            IF present -> 'password_hash' <> change.before -> 'password_hash' THEN
                present := present || '{{"password": "changed"}}';
                change.before := change.before || '{{"password": "set"}}';
            END IF;
            present := present - 'password_hash';
            change.before := change.before - 'password_hash';
        END IF;

        happened := CASE change.aspect
            WHEN 'content' THEN CASE
                WHEN change.before IS NULL THEN 'part.created'
                WHEN change.before ->> 'archived_at' IS NULL AND present ->> 'archived_at' IS NOT NULL THEN 'part.deleted'
                WHEN change.before ->> 'archived_at' IS NOT NULL AND present ->> 'archived_at' IS NULL THEN 'part.restored'
                ELSE 'content.updated' END
            WHEN 'stock' THEN CASE WHEN change.is_first THEN 'stock.created' ELSE 'stock.updated' END
            WHEN 'price' THEN 'price.updated'
            WHEN 'category' THEN CASE
                WHEN change.before IS NULL THEN 'category.created'
                WHEN present IS NULL THEN 'category.deleted'
                ELSE 'category.updated' END
            WHEN 'synonym' THEN CASE WHEN present IS NULL THEN 'synonym.deleted' ELSE 'synonym.created' END
            -- Nobody but the audit trail is told of these, and it keeps what was done, not what it is called.
            WHEN 'user' THEN CASE WHEN change.before IS NULL THEN 'user.created' ELSE 'user.updated' END
            WHEN 'api_key' THEN CASE WHEN change.before IS NULL THEN 'api_key.created' ELSE 'api_key.revoked' END
        END;
        INSERT INTO outbox_events (aggregate_type, aggregate_id, aspect, type, version, payload, actor_id)
        VALUES (CASE WHEN change.aspect IN ('content', 'stock', 'price') THEN 'part' ELSE change.aspect END,
                change.record_id,
                CASE WHEN change.aspect IN ('stock', 'price') THEN change.aspect ELSE 'content' END,
                happened, following,
                jsonb_build_object(
                    'format', 2, 'aspect', change.aspect, 'type', happened, 'version', following, 'before', change.before, 'state', present,
                    'table_name', change.table_name, 'row_id', COALESCE(change.row_id, (present ->> 'id')::bigint),
                    'operation', change.operation, 'actor_name', 'database role ' || session_user,
                    'ip_address', host(inet_client_addr()), 'user_agent', 'database role ' || session_user,
                    'reason', COALESCE(NULLIF(current_setting('lockstep.reason', true), ''),
                                       'by hand' || COALESCE(', with ' || program, ''))),
                author.id)
        RETURNING id INTO event;
        INSERT INTO outbox_deliveries (event_id, effect) SELECT event, unnest(effects_of(happened));
        PERFORM set_config('lockstep.writer', '', true);
        RETURN NULL;
    END $$
"""
# A part's history refers to its row, which the panel's DELETE archives as well.
ARCHIVE = """
    CREATE FUNCTION archive_deleted_part() RETURNS trigger LANGUAGE plpgsql {trusted} AS $$
    BEGIN
        IF TG_LEVEL = 'STATEMENT' THEN
            RAISE NOTICE 'parts are archived instead of being deleted: their history refers to them';
        ELSE
            UPDATE parts SET archived_at = clock_timestamp() WHERE id = OLD.id AND archived_at IS NULL;
        END IF;
        RETURN NULL;
    END $$
"""
REFUSE = """
    CREATE FUNCTION refuse_truncate_by_hand() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'TRUNCATE % would tell neither pages nor the audit trail which rows are gone', TG_TABLE_NAME
            USING HINT = 'Use DELETE.';
    END $$
"""
# What a change to a table is a change of, and the column that names it.
NOTED = {
    "parts": ("content", "id"),
    "part_specifications": ("content", "part_id"),
    "part_images": ("content", "part_id"),
    "stock_levels": ("stock", "part_id"),
    "part_prices": ("price", "part_id"),
    "prices": ("price", "part_id"),
    "categories": ("category", "id"),
    "users": ("user", "id"),
    "api_keys": ("api_key", "id"),
    "search_synonyms": ("synonym", "id"),
}


def upgrade() -> None:
    op.create_table(
        "changes_by_hand",
        sa.Column("aspect", sa.String(length=20), nullable=False),
        sa.Column("record_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("before", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("is_first", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("table_name", sa.String(length=100), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=True),
        sa.Column("operation", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("aspect", "record_id", name=op.f("pk_changes_by_hand")),
    )
    schema = op.get_bind().execute(sa.text("SELECT quote_ident(current_schema())")).scalar_one()
    trusted = TRUSTED.format(schema=schema)
    for statement in (STATE, EFFECTS, REFUSE, *(function.format(trusted=trusted) for function in (NOTE, TELL, ARCHIVE))):
        op.get_bind().exec_driver_sql(statement.replace("%", "%%"))
    op.execute(
        "CREATE CONSTRAINT TRIGGER changes_by_hand_told AFTER INSERT ON changes_by_hand DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION tell_change_by_hand()"
    )
    for table, (aspect, key) in NOTED.items():
        when = "INSERT OR UPDATE" if table == "parts" else "INSERT OR UPDATE OR DELETE"
        op.execute(
            f"CREATE TRIGGER {table}_by_hand BEFORE {when} ON {table} FOR EACH ROW WHEN ({BY_HAND})"
            f" EXECUTE FUNCTION note_change_by_hand('{aspect}', '{key}')"
        )
        op.execute(
            f"CREATE TRIGGER {table}_not_truncated BEFORE TRUNCATE ON {table} FOR EACH STATEMENT WHEN ({BY_HAND})"
            " EXECUTE FUNCTION refuse_truncate_by_hand()"
        )
    for name, level in (("parts_archived", "ROW"), ("parts_archived_notice", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER {name} BEFORE DELETE ON parts FOR EACH {level} WHEN ({BY_HAND})"
            " EXECUTE FUNCTION archive_deleted_part()"
        )


def downgrade() -> None:
    for name in ("parts_archived", "parts_archived_notice"):
        op.execute(f"DROP TRIGGER {name} ON parts")
    for table in NOTED:
        op.execute(f"DROP TRIGGER {table}_not_truncated ON {table}")
        op.execute(f"DROP TRIGGER {table}_by_hand ON {table}")
    op.drop_table("changes_by_hand")
    for function in ("archive_deleted_part()", "tell_change_by_hand()", "note_change_by_hand()",
                     "refuse_truncate_by_hand()", "effects_of(text)", "state_of(text, bigint)"):  # fmt: skip
        op.execute(f"DROP FUNCTION {function}")
