"""What lists and searches look in: `part_search` and `search_words`, kept by triggers.

The triggers that keep `part_search` are deferred: a part that is made with its stock and prices in one transaction is indexed once.
Whoever changes an aspect of a part holds the lock of that aspect's row until the commit, so the values written last are the newest;
the row of a part that exists is never given the stock and the price again by a change of content.

Nobody waits for it: the triggers come first, then the parts that were there before, a hundred at a time. It may be stopped anywhere
and started again. The release before goes on as it did, and what it writes is found.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.steps import execute, index_parts, replace, trigger

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# In small letters, without accents, ligatures and the like: people type Sohne for Söhne. Most texts have none.
FOLDED = r"""
    CREATE FUNCTION search_folded(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN lower(CASE WHEN octet_length(value) = length(value) THEN value
                      ELSE left(regexp_replace(normalize(value, NFKD), '[\u0300-\u036f]+', '', 'g'), 60000) END)
"""
# The words of a text: what stands between everything that is neither letter nor digit. A lexeme may not be longer than 2 kB.
TOKENS = """
    CREATE FUNCTION search_tokens(value text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY(SELECT left(token, 200) FROM regexp_split_to_table(search_folded(left(value, 60000)), '[^[:alnum:]]+') AS token
                 WHERE token <> '')
"""
# The numbers of a text's other signs, each with U+0001 behind it, so that it is no word.
SIGNS = r"""
    CREATE FUNCTION search_signs(value text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY(SELECT to_hex(ascii(sign)) || E'\x01'
                 FROM string_to_table(regexp_replace(value, '[[:alnum:][:space:]]+', '', 'g'), NULL) AS sign)
"""
# These, and what the text's words begin with.
MARKS = r"""
    CREATE FUNCTION search_marks(value text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY(SELECT left(token, 1) || E'\x01' FROM unnest(search_tokens(value)) AS token) || search_signs(value)
"""
# What a typed word asks for: all of its words, the last one as the beginning of a longer one; and all of its signs if it is meant
# literally. One letter begins so many words that looking them all up would go through most of the index. NULL for nothing.
QUERY = r"""
    CREATE FUNCTION search_query(value text, literally boolean) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        SELECT string_agg(term, ' & ') FROM (
            SELECT CASE WHEN place < cardinality(tokens) THEN format('%L', token)
                        WHEN length(token) = 1 THEN format('(%L | %L)', token, token || E'\x01')
                        ELSE format('%L:*', token) END AS term
            FROM (SELECT search_tokens(value) AS tokens) typed, unnest(tokens) WITH ORDINALITY AS word(token, place)
            UNION SELECT format('%L', sign) FROM unnest(search_signs(value)) AS sign WHERE literally) asked)::tsquery
"""
# The same choice as `app.domain.pricing.current_price` makes for one piece.
AMOUNT = """
    CREATE FUNCTION part_amount(part int) RETURNS numeric LANGUAGE sql VOLATILE
    RETURN COALESCE(
        (SELECT pp.amount FROM part_prices pp
         WHERE pp.part_id = part AND (pp.valid_from IS NULL OR pp.valid_from <= clock_timestamp())
           AND (pp.valid_to IS NULL OR pp.valid_to > clock_timestamp())
         ORDER BY pp.min_quantity, pp.currency, pp.valid_from DESC NULLS LAST LIMIT 1),
        (SELECT l.amount FROM prices l WHERE l.part_id = part))
"""
ROWS = """
    INSERT INTO part_search (part_id, category_id, is_public, in_stock, amount, created_at, manufacturer, name, numbers, words)
    SELECT p.id, p.category_id, p.status = 'published' AND p.archived_at IS NULL,
           COALESCE((SELECT s.current_stock > s.reserved_quantity FROM stock_levels s WHERE s.part_id = p.id), false),
           part_amount(p.id), p.created_at, p.manufacturer, lower(p.part_name),
           lower(concat_ws(' ', p.sku, p.manufacturer_number)) || bare.marked,
           array_to_tsvector(search_tokens(concat_ws(' ', p.sku, p.manufacturer_number, p.part_name, p.manufacturer,
                             translate(bare.marked, E'\\x01', ' '),
                             regexp_replace(p.description, '<[A-Za-z/!?][^>]*>', ' ', 'g')))
                             || search_marks(concat_ws(' ', p.sku, p.manufacturer_number, p.part_name, p.manufacturer))
                             || ARRAY(SELECT DISTINCT E'\\x01' || number FROM regexp_split_to_table(bare.marked, E'[ \\x01]+') AS number
                                      WHERE number <> ''))
    FROM parts p CROSS JOIN LATERAL (
        SELECT E' \\x01' || lower(concat_ws(E'\\x01 \\x01', regexp_replace(p.sku, '[^[:alnum:]]+', '', 'g'),
                                           regexp_replace(p.manufacturer_number, '[^[:alnum:]]+', '', 'g'))) || E'\\x01' AS marked
    ) bare
"""
CONTENT = ("category_id", "is_public", "created_at", "manufacturer", "name", "numbers", "words")


def on_conflict(*columns: str) -> str:
    """Return the clause that replaces what differs."""
    assignments = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns)
    present, given = ", ".join(f"s.{name}" for name in columns), ", ".join(f"EXCLUDED.{name}" for name in columns)
    return f"ON CONFLICT (part_id) DO UPDATE SET {assignments} WHERE ({present}) IS DISTINCT FROM ({given})"


# A sub-select with a limit is looked up in the index word by word; an anti-join would read all words for one part. Without bitmaps
# it is the B-tree: the trigrams serve equality too, at many times the cost. So in KEEP_WORDS.
# A bulk of parts at once: an import keeps the triggers quiet (`lockstep.bulk`) and calls this before it commits.
KEEP_MANY = f"""
    CREATE FUNCTION keep_search_of(part_ids int[]) RETURNS void LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
    BEGIN
        {ROWS.replace("INSERT INTO part_search (", "INSERT INTO part_search AS s (")} WHERE p.id = ANY(part_ids)
        {on_conflict(*CONTENT, "in_stock", "amount")};
        INSERT INTO search_words (word)
        SELECT word FROM (
            SELECT DISTINCT word FROM part_search, unnest(search_tokens(concat_ws(' ', name, manufacturer, numbers))) AS word
            WHERE part_id = ANY(part_ids) AND length(word) BETWEEN 3 AND 100) given
        WHERE (SELECT k.id FROM search_words k WHERE k.word = given.word LIMIT 1) IS NULL;
    END $$
"""  # noqa: S608 — constant text
KEEP_CONTENT = f"""
    CREATE FUNCTION keep_search_content() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
    BEGIN
        {ROWS.replace("INSERT INTO part_search (", "INSERT INTO part_search AS s (")} WHERE p.id = NEW.id {on_conflict(*CONTENT)};
        RETURN NULL;
    END $$
"""
# All of it anew: for what was there before the triggers, and for repairs.
FILL = f"""
    CREATE FUNCTION fill_part_search() RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM set_config('lockstep.bulk', 'on', true);
        TRUNCATE part_search, search_words;
        {ROWS};
        INSERT INTO search_words (word)
        SELECT DISTINCT word FROM part_search, unnest(search_tokens(concat_ws(' ', name, manufacturer, numbers))) AS word
        WHERE length(word) BETWEEN 3 AND 100;
        PERFORM set_config('lockstep.bulk', '', true);
    END $$
"""  # noqa: S608 — constant text
KEEP_WORDS = """
    CREATE FUNCTION keep_search_words() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
    BEGIN
        INSERT INTO search_words (word)
        SELECT DISTINCT word FROM unnest(search_tokens(concat_ws(' ', NEW.name, NEW.manufacturer, NEW.numbers))) AS word
        WHERE length(word) BETWEEN 3 AND 100 AND (SELECT k.id FROM search_words k WHERE k.word = word.word LIMIT 1) IS NULL;
        RETURN NULL;
    END $$
"""
KEEP_STOCK = """
    CREATE FUNCTION keep_search_stock() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
    BEGIN
        UPDATE part_search s SET in_stock = l.current_stock > l.reserved_quantity
        FROM stock_levels l
        WHERE s.part_id = NEW.part_id AND l.part_id = NEW.part_id AND s.in_stock <> (l.current_stock > l.reserved_quantity);
        RETURN NULL;
    END $$
"""
KEEP_PRICE = """
    CREATE FUNCTION keep_search_price() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
    DECLARE
        part int := CASE WHEN TG_TABLE_NAME = 'parts' THEN to_jsonb(NEW) -> 'id'
                         ELSE COALESCE(to_jsonb(NEW), to_jsonb(OLD)) -> 'part_id' END;
        now_valid numeric := part_amount(part);
    BEGIN
        UPDATE part_search s SET amount = now_valid WHERE s.part_id = part AND s.amount IS DISTINCT FROM now_valid;
        RETURN NULL;
    END $$
"""
TRIGGERS = (
    "part_search_inserted AFTER INSERT ON parts {row} EXECUTE FUNCTION keep_search_content()",
    "part_search_changed AFTER UPDATE OF sku, part_name, description, category_id, manufacturer, manufacturer_number, status,"
    " archived_at, created_at ON parts {row} EXECUTE FUNCTION keep_search_content()",
    "part_search_stock_inserted AFTER INSERT ON stock_levels {row} EXECUTE FUNCTION keep_search_stock()",
    "part_search_stock AFTER UPDATE OF current_stock, reserved_quantity ON stock_levels {changed_stock}"
    " EXECUTE FUNCTION keep_search_stock()",
    "part_search_prices AFTER INSERT OR UPDATE OR DELETE ON part_prices {row} EXECUTE FUNCTION keep_search_price()",
    "part_search_legacy_prices AFTER INSERT OR UPDATE OR DELETE ON prices {row} EXECUTE FUNCTION keep_search_price()",
    # What a price list means changes by its dates, which moves the part's boundary.
    "part_search_price_dates AFTER UPDATE OF price_boundary, price_version ON parts {row} EXECUTE FUNCTION keep_search_price()",
)
SINGLY = "COALESCE(current_setting('lockstep.bulk', true), '') <> 'on'"
FLIPPED = "(OLD.current_stock > OLD.reserved_quantity) <> (NEW.current_stock > NEW.reserved_quantity)"
DEFERRED = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN "


def make_tables() -> None:
    """Make the tables, empty, with their indexes."""
    op.create_table(
        "part_search",
        sa.Column("part_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("category_id", sa.Integer(), nullable=True),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("in_stock", sa.Boolean(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("manufacturer", sa.String(length=200), nullable=True),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("numbers", sa.Text(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(["part_id"], ["parts.id"], name=op.f("fk_part_search_part_id_parts"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("part_id", name=op.f("pk_part_search")),
        if_not_exists=True,
    )
    op.create_table(
        "search_words",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("word", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_words")),
        if_not_exists=True,
    )
    op.create_index("ix_part_search_words", "part_search", ["words"], unique=False, postgresql_using="gin", if_not_exists=True)
    op.create_index(
        "ix_part_search_numbers", "part_search", ["numbers"], unique=False, postgresql_using="gin",
        postgresql_ops={"numbers": "gin_trgm_ops"}, if_not_exists=True,
    )  # fmt: skip
    for name, columns in (
        ("name", ["name", "part_id"]),
        ("amount", ["amount", "part_id"]),
        ("created_at", ["created_at", "part_id"]),
        ("manufacturer", ["manufacturer"]),
        ("facets", ["category_id", "manufacturer", "in_stock", "amount"]),
    ):
        op.create_index(
            f"ix_part_search_{name}", "part_search", columns, unique=False, postgresql_where="is_public", if_not_exists=True
        )
    op.create_index("ix_search_words_word", "search_words", ["word"], unique=False, if_not_exists=True)
    op.create_index(
        "ix_search_words_similar", "search_words", ["word"], unique=False, postgresql_using="gin",
        postgresql_ops={"word": "gin_trgm_ops"}, if_not_exists=True,
    )  # fmt: skip


def upgrade() -> None:
    with op.get_context().autocommit_block():
        make_tables()
        for statement in (
            FOLDED,
            TOKENS,
            SIGNS,
            MARKS,
            QUERY,
            AMOUNT,
            FILL,
            KEEP_CONTENT,
            KEEP_MANY,
            KEEP_WORDS,
            KEEP_STOCK,
            KEEP_PRICE,
        ):
            replace(statement)
        trigger(
            "search_words_kept",
            "part_search",
            "AFTER INSERT OR UPDATE OF name, manufacturer, numbers ON part_search"
            f" FOR EACH ROW WHEN ({SINGLY}) EXECUTE FUNCTION keep_search_words()",
        )
        for definition in TRIGGERS:
            name, when = definition.split(" ", 1)
            table = when.split(" ON ")[1].split()[0]
            trigger(name, table, when.format(row=f"{DEFERRED}({SINGLY})", changed_stock=f"{DEFERRED}({SINGLY} AND {FLIPPED})"))
        index_parts()
        # Lists are ordered by part_search from now on.
        execute("DROP INDEX CONCURRENTLY IF EXISTS ix_parts_public_name")


def downgrade() -> None:
    op.create_index(
        "ix_parts_public_name", "parts", ["part_name", "id"], unique=False,
        postgresql_where="status = 'published' AND archived_at IS NULL",
    )  # fmt: skip
    for definition in TRIGGERS:
        name, table = definition.split()[0], definition.split(" ON ")[1].split()[0]
        op.execute(f"DROP TRIGGER {name} ON {table}")
    op.drop_table("part_search")
    op.drop_table("search_words")
    for function in ("keep_search_of(int[])", "keep_search_content()", "keep_search_words()", "keep_search_stock()", "keep_search_price()",
                     "fill_part_search()", "part_amount(int)", "search_query(text, boolean)", "search_marks(text)",
                     "search_signs(text)", "search_tokens(text)", "search_folded(text)"):  # fmt: skip
        op.execute(f"DROP FUNCTION {function}")
