r"""A part's row of `part_search` and the reading of what was typed cost less; neither says anything else than before.

Most patterns look for what few texts have: whether a text may have it is asked first, which costs a tenth. What two functions did one
after the other on each text is done in one. An import looks up the words of rows that it has written, and not of all those that
it has looked at.

No row changes, so none is made again.

Revision ID: 0020
Revises: 0019
"""

import importlib

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

search = importlib.import_module("migrations.versions.0005_search_as_typed")
costs = importlib.import_module("migrations.versions.0013_search_row_costs")
before = importlib.import_module("migrations.versions.0016_search_reading")

PUNCTUATION = search.PUNCTUATION.replace("[]", "\\[\\]")
WITHOUT = search.SOFT[search.SOFT.index("t := replace(") : search.SOFT.index("RETURN replace(t, '. '")].strip()
SOFTENED = rf"""
    CREATE OR REPLACE FUNCTION search_softened(folded text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE t text := ' ' || folded || ' ';
    BEGIN
        IF strpos(t, ',') > 0 THEN t := regexp_replace(t, '(?<=[0-9]),(?=[0-9])', '.', 'g'); END IF;
        IF strpos(t, ' .') > 0 THEN t := regexp_replace(t, '(?<= )\.(?=[0-9])', '0.', 'g'); END IF;
        IF t ~ '"|''''|inch|zoll' THEN
            t := regexp_replace(t, '(?<=[0-9]) *(?:"|''''|inch(?:es)?\M|zoll\M)', 'in ', 'g');
        END IF;
        IF strpos(t, ' in') > 0 THEN t := regexp_replace(t, '([./][0-9]+) +in\M', '\1in', 'g'); END IF;
        IF t ~ '[{PUNCTUATION}]' THEN
            {WITHOUT}
        END IF;
        RETURN replace(t, '. ', ' ');
    END $$
"""
# Without a function in between that is started anew for each text.
SOFT = """
    CREATE OR REPLACE FUNCTION search_soft(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE t text := left(value, 60000);
    BEGIN
        RETURN search_softened(CASE WHEN octet_length(t) = length(t) THEN lower(t) ELSE search_folded_letters(t) END);
    END $$
"""
JOINED = f"""
    CREATE OR REPLACE FUNCTION search_joined(soft text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE t text := soft;
    BEGIN
        IF t !~ '[0-9]' THEN RETURN t; END IF;
        t := regexp_replace(t, '(?<=[0-9]) *(?:mm|in)? *[x*хχ] *(?=[0-9])', 'x', 'g');
        IF strpos(t, 'iso') > 0 THEN
            t := regexp_replace(t, '\\m(?:din[ -]+(?:en[ -]+)?|en[ -]+)(?=iso[ -]*[0-9])', '', 'g');
        END IF;
        IF t ~ '(?:din|iso|en|m)[ -]+[0-9]' THEN
            t := regexp_replace(t, '\\m(din|iso|en|m)[ -]+(?=[0-9])', '\\1', 'g');
        END IF;
        IF t ~ '[0-9] +(?:{search.UNITS})(?:[-./ ]|$)' THEN
            t := regexp_replace(t, '(?<=[0-9]) +(?=(?:{search.UNITS})(?![^-./ ]))', '', 'g');
        END IF;
        IF strpos(t, 'ohm') > 0 THEN
            t := regexp_replace(t, '(?<=[0-9]) *([kmu]?) ?ohms?\\M', '\\1ohm', 'g');
        END IF;
        RETURN t;
    END $$
"""
# The words of a normal form with spaces between them. One of two hundred characters has fifty, which takes less to see.
SPACED = r"""
    CREATE FUNCTION search_spaced(normal text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE t text := regexp_replace(normal, '[^[:alnum:]. ]+|(?<![[:alnum:]])[.]+|[.]+(?![[:alnum:]])', ' ', 'g');
    BEGIN
        IF length(t) > 200 AND t ~ '[^ ]{50}' AND t ~ '[^ ]{200}' THEN
            t := regexp_replace(t, '([^ ]{200})[^ ]+', '\1', 'g');
        END IF;
        RETURN t;
    END $$
"""
WORDS = """
    CREATE OR REPLACE FUNCTION search_split(normal text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    BEGIN
        RETURN array_remove(string_to_array(search_spaced(normal), ' '), '');
    END $$
"""
# A description mostly has neither sizes nor scripts without spaces: its words are marked where they stand.
FORMS = (
    costs.FORMS.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    .replace(
        costs.FORMS[costs.FORMS.index("        IF is_own OR has_sizes THEN") : costs.FORMS.index("        -- Sizes with other")],
        f"""        IF NOT (is_own OR has_sizes OR octet_length(normal) > length(normal) AND normal ~ '[{search.RUNS}]') THEN
            word := search_spaced(CASE WHEN normal = soft THEN normal ELSE normal || soft END);
            RETURN array_remove(string_to_array(E'\\x02' || replace(word, ' ', E' \\x02'), ' '), E'\\x02');
        END IF;
        words := search_split(normal);
        forms := CASE WHEN normal = soft THEN words ELSE words || search_split(soft) END;
""",
    )
    .replace("IF has_sizes AND word ~", "IF has_sizes AND strpos(word, 'x') > 0 AND word ~")
)
# Most names have no sign that has to change its place but the space.
ORDERED = (
    costs.ORDERED.replace(
        costs.ORDERED[costs.ORDERED.index("        t text := translate(") : costs.ORDERED.index("        texts text[];")],
        "        t text := replace(left(search_folded(left(value, 1000)), 400), ' ', E'\\x03');\n",
    )
    .replace(
        "    BEGIN\n        texts :=",
        """    BEGIN
        IF t ~ E'[\\\\]:;<=>?@[\\\\\\\\^_`{|}~]' THEN
            t := translate(t, E':;<=>?@[\\\\]^_`{|}~', E'\\x0e\\x0f\\x10\\x11\\x12\\x13\\x14\\x15\\x16\\x17\\x18\\x19\\x1a\\x1b\\x1c\\x1d\\x1e');
        END IF;
        IF t !~ '[0-9]' THEN RETURN t; END IF;
        texts :=""",
    )
    .replace("        IF last = 0 THEN RETURN t; END IF;\n", "")
)
# A part's numbers without punctuation. Its text in the normal form begins with them, and says where each ends, unless one has a
# slash, or a sign that may become one.
NUMBERS = """
    CREATE FUNCTION search_numbers(normal text, sku text, manufacturer_number text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
    DECLARE
        given text := concat(sku, manufacturer_number);
        pieces text[];
    BEGIN
        IF strpos(given, '/') > 0 OR octet_length(given) > length(given) THEN
            RETURN array_remove(ARRAY[search_bare(sku), search_bare(manufacturer_number)], '');
        END IF;
        pieces := string_to_array(normal, ' / ');
        IF manufacturer_number IS NULL THEN pieces[2] := ''; END IF;
        RETURN array_remove(ARRAY[left(regexp_replace(pieces[1], '[^[:alnum:]]+', '', 'g'), 500),
                                  left(regexp_replace(pieces[2], '[^[:alnum:]]+', '', 'g'), 500)], '');
    END $$
"""
# What the texts of a row were made of. The number is that of the revision which says how: another one makes all rows anew.
READ_FROM = "hash_record_extended(ROW(p.sku, p.manufacturer_number, p.manufacturer, p.part_name, p.description), 20)"
ROWS = (
    before.ROWS.replace("numbers, words)\n", "numbers, words, read_from)\n")
    .replace("    FROM parts p CROSS JOIN LATERAL", f"           , {READ_FROM}\n    FROM parts p CROSS JOIN LATERAL")
    .replace(
        before.ROWS[before.ROWS.index("        SELECT folded, normal, numbers,") : before.ROWS.index("        OFFSET 0) own")],
        """        SELECT folded, normal, numbers, search_forms(soft, normal, true) || search_spelt_forms(value, true) || numbers AS forms
        FROM (SELECT *, search_numbers(normal, p.sku, p.manufacturer_number) AS numbers
              FROM (SELECT *, search_joined(soft) AS normal
                    FROM (SELECT *, search_softened(folded) AS soft
                          FROM (SELECT value, search_folded(value) AS folded
                                FROM (SELECT concat_ws(' / ', p.sku, p.manufacturer_number,
                                                       concat_ws(' ', p.manufacturer, p.part_name)) AS value OFFSET 0) given
                                OFFSET 0) folded
                          OFFSET 0) soft
                    OFFSET 0) normal
              OFFSET 0) numbered
""",
    )
)
KEPT_ROWS = ROWS.replace("INSERT INTO part_search (", "INSERT INTO part_search AS s (")
CONTENT = (*search.CONTENT, "read_from")
KEEP_CONTENT = f"""
    CREATE OR REPLACE FUNCTION keep_search_content() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
    BEGIN
        {KEPT_ROWS} WHERE p.id = NEW.id {search.on_conflict(*CONTENT)};
        RETURN NULL;
    END $$
"""
# Most of what an import changes is prices and stocks, for which no text is read again. Only rows that were made anew can have words
# that are new.
KEEP_MANY = f"""
    CREATE OR REPLACE FUNCTION keep_search_of(part_ids int[]) RETURNS void LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
    BEGIN
        UPDATE part_search s
        SET category_id = p.category_id, is_public = now.is_public, created_at = p.created_at, in_stock = now.in_stock,
            amount = now.amount
        FROM parts p
        JOIN part_search k ON k.part_id = p.id AND k.read_from = {READ_FROM}
        CROSS JOIN LATERAL (
            SELECT p.status = 'published' AND p.archived_at IS NULL AS is_public,
                   COALESCE((SELECT l.current_stock > l.reserved_quantity FROM stock_levels l WHERE l.part_id = p.id), false) AS in_stock,
                   part_amount(p.id) AS amount
            OFFSET 0) now
        WHERE p.id = ANY(part_ids) AND s.part_id = p.id AND (s.category_id, s.is_public, s.created_at, s.in_stock, s.amount)
              IS DISTINCT FROM (p.category_id, now.is_public, p.created_at, now.in_stock, now.amount);
        WITH written AS (
            {KEPT_ROWS}
            WHERE p.id = ANY(part_ids)
                  AND (SELECT k.read_from FROM part_search k WHERE k.part_id = p.id) IS DISTINCT FROM {READ_FROM}
            {search.on_conflict(*CONTENT, "in_stock", "amount")}
            RETURNING s.texts, s.numbers)
        INSERT INTO search_words (word)
        SELECT word FROM (
            SELECT DISTINCT word FROM written, {search.WORDS_OF.format(of="")} WHERE length(word) BETWEEN 3 AND 100) given
        WHERE (SELECT k.id FROM search_words k WHERE k.word = given.word LIMIT 1) IS NULL;
    END $$
"""  # noqa: S608 — constant text
FILL = search.FILL.replace(search.ROWS, ROWS)
# What revision 0016 says in one statement, most of whose time went to starting it. Words that are letters alone are their own
# normal form, and nearly all words have no synonym: all are looked up at once.
READING = r"""
    CREATE OR REPLACE FUNCTION search_reading(given text[], phrase text)
    RETURNS TABLE (word text, tokens text[], bare text, is_plain boolean, signs text[], grams text[], spelt text[], synonyms jsonb,
                   endings jsonb)
    LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
    #variable_conflict use_variable
    DECLARE
        asked text[] := search_asked(phrase);
        latin text := replace(search_spelt(phrase), 'å', 'aa');
        asked_latin text[] := CASE WHEN latin <> phrase THEN search_asked(latin) END;
        bares text[] := '{}';
        places int[] := '{}';
        sizes int[] := '{}';
        keys text[] := '{}';
        key text;
        found jsonb;
    BEGIN
        FOREACH word IN ARRAY asked LOOP
            bares := bares || CASE WHEN word ~ '^[a-z]+$' THEN word ELSE search_bare(word) END;
        END LOOP;
        FOR place IN 1 .. cardinality(asked) LOOP
            key := '';
            FOR size IN 1 .. least(5, cardinality(asked) - place + 1) LOOP
                key := key || bares[place + size - 1];
                places := places || place;
                sizes := sizes || size;
                keys := keys || key;
            END LOOP;
        END LOOP;
        found := (
            SELECT jsonb_object_agg(said.place, said.ways)
            FROM (SELECT k.place, jsonb_agg(jsonb_build_array(k.size, search_normal(y.means), search_tokens(y.means)) ORDER BY y.id)
                         AS ways
                  FROM unnest(places, sizes, keys) AS k(place, size, key) JOIN search_synonyms y ON y.term_key = k.key
                  GROUP BY k.place) said);
        FOR place IN 1 .. cardinality(asked) LOOP
            word := asked[place];
            bare := bares[place];
            is_plain := true;
            tokens := ARRAY[word];
            signs := '{}';
            grams := '{}';
            endings := NULL;
            IF word !~ '^[a-z]+$' THEN
                tokens := search_split(word);
                is_plain := word ~ '^[[:alnum:]]+([-./]+[[:alnum:]]+)*$';
                signs := search_signs(word);
                grams := search_grams(word);
            END IF;
            spelt := search_split(asked_latin[place]);
            spelt := CASE WHEN spelt <> tokens THEN spelt END;
            synonyms := found -> place::text;
            IF bare ~ '^[0-9]{3}' THEN
                endings := (
                    SELECT jsonb_agg(left(bare, -length(y.term_key)) || y.means_key ORDER BY y.id)
                    FROM search_synonyms y
                    WHERE right(bare, length(y.term_key)) = y.term_key AND left(bare, -length(y.term_key)) ~ '^[0-9]{3,}$');
            END IF;
            RETURN NEXT;
        END LOOP;
        -- A word of punctuation alone is matched by its characters, unless it is the inch sign of the number before it.
        FOR place IN 1 .. cardinality(given) LOOP
            CONTINUE WHEN given[place] ~ '[a-z0-9]' OR btrim(search_soft(given[place])) <> ''
                OR search_folded(given[place]) IN ('"', '''''') AND given[place - 1] ~ '[0-9]$';
            RETURN QUERY SELECT '', '{}'::text[], '', false, search_signs(search_folded(given[place])), '{}'::text[], NULL::text[],
                                NULL::jsonb, NULL::jsonb;
        END LOOP;
    END $$
"""


def upgrade() -> None:
    op.add_column("part_search", sa.Column("read_from", sa.BigInteger(), nullable=True))
    for statement in (
        SOFTENED,
        SOFT,
        JOINED,
        SPACED,
        WORDS,
        FORMS,
        ORDERED,
        NUMBERS,
        FILL,
        KEEP_CONTENT,
        KEEP_MANY,
        READING,
    ):
        search.execute(statement)


def downgrade() -> None:
    for statement in (
        costs.SOFTENED,
        costs.SOFT,
        costs.JOINED,
        search.WORDS,
        costs.FORMS,
        costs.ORDERED,
        before.READING,
    ):
        search.execute(statement.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    for statement in costs.writers(search.ROWS, before.ROWS):
        search.execute(statement)
    for function in ("search_numbers(text, text, text)", "search_spaced(text)"):
        op.execute(f"DROP FUNCTION {function}")
    op.drop_column("part_search", "read_from")
