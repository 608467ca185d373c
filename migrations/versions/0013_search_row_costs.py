r"""What a part's row in `part_search` costs to make: the same words, texts and sort keys, in two thirds of the time.

Most of it went where it changed nothing: a list of two hundred letters was compared with every letter of every text, each text was
read twice, and functions with a sub-select of their own were started anew for each name. No row changes, so none is made again.

Revision ID: 0013
Revises: 0010
"""

import importlib

from alembic import op

from migrations.steps import drop_function, replace

revision = "0013"
down_revision = "0010"
branch_labels = None
depends_on = None

before = importlib.import_module("migrations.versions.0005_search_as_typed")
joiners = importlib.import_module("migrations.versions.0008_nothing_lost")

# Hiragana for katakana is translated only where there is any; the sign of sizes is by far the most frequent of the others.
SINGLES = {sign: other for sign, other in (before.LETTERS | before.SIGNS).items() if sign != "×"}
FROM, TO = "".join(SINGLES).replace("'", "''"), "".join(SINGLES.values()).replace("'", "''")
LETTERS = FROM + "".join(before.DIGRAPHS)
SPECIAL = LETTERS + "μω" + before.RUNS
FOLDED_LETTERS = f"""
    CREATE OR REPLACE FUNCTION search_folded_letters(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE t text := normalize(value, NFKD);
    BEGIN
        -- The sign that fractions of one character come apart into.
        IF strpos(t, '⁄') > 0 THEN
            t := normalize(regexp_replace(value, '([0-9])(?=[{before.FRACTIONS}])', '\\1 ', 'g'), NFKD);
        END IF;
        t := regexp_replace(t, '{joiners.ACCENTS_AND_JOINERS}', '', 'g');
        IF t IS NOT NFC NORMALIZED THEN t := normalize(t, NFC); END IF;
        t := replace(lower(t), '×', 'x');
        IF t ~ '[{SPECIAL}]' THEN
            IF t ~ '[{LETTERS}]' THEN
                t := translate(t, '{FROM}', '{TO}');
                {" ".join(f"t := replace(t, '{one}', '{two}');" for one, two in before.DIGRAPHS.items())}
            END IF;
            -- Units: micro before a Latin letter or ohm; ohm where it is no letter of a Greek word.
            t := regexp_replace(t, 'μ(?=[a-zω])', 'u', 'g');
            t := regexp_replace(t, '(?<![α-ψ])ω(?![α-ω])', 'ohm', 'g');
            IF t ~ '[{before.RUNS}]' THEN
                t := translate(t, '{before.KATAKANA}', '{before.HIRAGANA}');
                t := regexp_replace(t, '(?<=[{before.RUNS}])(?=[^{before.RUNS} ])|(?<=[^{before.RUNS} ])(?=[{before.RUNS}])', ' ', 'g');
            END IF;
        END IF;
        RETURN left(t, 60000);
    END $$
"""
# The letters that are spelt out, however they are composed.
SPELT = r"""
    CREATE OR REPLACE FUNCTION search_spelt(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE t text;
    BEGIN
        IF octet_length(value) = length(value) OR value !~ '[äöüøåÄÖÜØÅ\u0308\u030a\u212b]' THEN RETURN value; END IF;
        t := lower(normalize(value, NFC));
        IF t !~ '[äöüøå]' THEN RETURN value; END IF;
        RETURN replace(replace(replace(replace(t, 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), 'ø', 'oe');
    END $$
"""
# What was the first half of a function that folded the text itself.
SOFTENED = before.SOFT.replace("CREATE FUNCTION search_soft(value text)", "CREATE FUNCTION search_softened(folded text)").replace(
    "search_folded(left(value, 60000))", "folded"
)
SOFT = """
    CREATE OR REPLACE FUNCTION search_soft(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    BEGIN
        RETURN search_softened(search_folded(left(value, 60000)));
    END $$
"""
# A pattern that captures what stands before takes a third of the time of one that looks behind.
JOINED = f"""
    CREATE OR REPLACE FUNCTION search_joined(soft text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE t text := soft;
    BEGIN
        t := regexp_replace(t, '(?<=[0-9]) *(?:mm|in)? *[x*хχ] *(?=[0-9])', 'x', 'g');
        IF strpos(t, 'iso') > 0 THEN
            t := regexp_replace(t, '\\m(?:din[ -]+(?:en[ -]+)?|en[ -]+)(?=iso[ -]*[0-9])', '', 'g');
        END IF;
        t := regexp_replace(t, '\\m(din|iso|en|m)[ -]+(?=[0-9])', '\\1', 'g');
        t := regexp_replace(t, '(?<=[0-9]) +(?=(?:{before.UNITS})(?![^-./ ]))', '', 'g');
        IF strpos(t, 'ohm') > 0 THEN
            t := regexp_replace(t, '(?<=[0-9]) *([kmu]?) ?ohms?\\M', '\\1ohm', 'g');
        END IF;
        RETURN t;
    END $$
"""
SIGNS = r"""
    CREATE OR REPLACE FUNCTION search_signs(value text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE
        signs text[] := string_to_array(regexp_replace(value, '[[:alnum:][:space:]]+', '', 'g'), NULL);
    BEGIN
        FOR place IN 1 .. cardinality(signs) LOOP signs[place] := to_hex(ascii(signs[place])) || E'\x01'; END LOOP;
        RETURN signs;
    END $$
"""
# The forms of a text that has been read already: `soft`, and `normal`, which is what is joined of it.
FORMS = f"""
    CREATE FUNCTION search_forms(soft text, normal text, is_own boolean) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE
        words text[];
        forms text[];
        word text;
        before text;
        sizes text[];
        has_sizes boolean := normal ~ '[0-9]x[0-9]';
    BEGIN
        IF is_own OR has_sizes THEN
            words := search_split(normal);
            forms := words || search_split(soft);
        ELSE
            forms := search_split(normal || soft);
        END IF;
        -- Sizes with other signs between them, which buyers type with an x.
        IF is_own AND normal ~ '[0-9][-/][0-9]' THEN
            forms := forms || search_split(regexp_replace(normal, '(?<=[0-9])[-/](?=[0-9])', 'x', 'g'));
        END IF;
        IF is_own OR has_sizes THEN
            FOREACH word IN ARRAY words LOOP
                IF has_sizes AND word ~ '[0-9]x[0-9]' THEN
                    sizes := string_to_array(word, 'x');
                    forms := forms || sizes;
                    FOR place IN 2 .. least(cardinality(sizes) - 1, 5) LOOP
                        forms := forms || array_to_string(sizes[place:], 'x');
                    END LOOP;
                END IF;
                IF is_own THEN
                    IF length(before) + length(word) <= 40 THEN forms := forms || (before || word); END IF;
                    IF word ~ '^[a-z]+[0-9]' THEN forms := forms || ltrim(word, 'abcdefghijklmnopqrstuvwxyz'); END IF;
                    before := word;
                END IF;
            END LOOP;
        END IF;
        IF octet_length(normal) > length(normal) AND normal ~ '[{before.RUNS}]' THEN
            -- Sign by sign in one pass: `substr` would count from the beginning of a long run each time.
            forms := forms || ARRAY(
                SELECT DISTINCT form
                FROM regexp_matches(normal, '[{before.RUNS}]+', 'g') AS run
                CROSS JOIN LATERAL (
                    SELECT sign, lead(sign) OVER (ORDER BY place) AS following
                    FROM string_to_table(run[1], NULL) WITH ORDINALITY AS signs(sign, place)) AS pairs
                CROSS JOIN LATERAL (VALUES (sign), (sign || following)) AS forms_of(form)
                WHERE form IS NOT NULL);
        END IF;
        forms := array_remove(forms, '');
        IF is_own OR forms = '{{}}' THEN RETURN forms; END IF;
        RETURN string_to_array(E'\\x02' || array_to_string(forms, E' \\x02'), ' ');
    END $$
"""  # noqa: S608 — constant text
# Of a text, and of the text as it is spelt without umlauts if it has any.
READ = """
    CREATE FUNCTION search_read(value text, is_own boolean) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE soft text := search_soft(value);
    BEGIN
        RETURN search_forms(soft, search_joined(soft), is_own);
    END $$
"""
SPELT_FORMS = """
    CREATE FUNCTION search_spelt_forms(value text, is_own boolean) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE spelt text := search_spelt(value);
    BEGIN
        IF strpos(spelt, 'å') > 0 THEN
            RETURN search_read(spelt, is_own) || search_read(replace(spelt, 'å', 'aa'), is_own);
        END IF;
        RETURN CASE WHEN spelt = value THEN '{}' ELSE search_read(spelt, is_own) END;
    END $$
"""
LEXEMES = """
    CREATE OR REPLACE FUNCTION search_lexemes(value text, is_own boolean) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
    BEGIN
        RETURN CASE WHEN value IS NULL THEN '{}' ELSE search_read(value, is_own) || search_spelt_forms(value, is_own) END;
    END $$
"""
# The same keys as before (revision 0005 says how they are made), number by number in a loop.
ORDERED = r"""
    CREATE OR REPLACE FUNCTION search_order(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE
        t text := translate(left(search_folded(left(value, 1000)), 400), E' :;<=>?@[\\]^_`{|}~',
                            E'\x03\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e');
        texts text[];
        numbers text[];
        digits text;
        key text;
        place int := 1;
        last int;
    BEGIN
        texts := regexp_split_to_array(t, '[0-9]+');
        last := cardinality(texts) - 1;
        IF last = 0 THEN RETURN t; END IF;
        numbers := string_to_array(btrim(regexp_replace(t, '[^0-9]+', ' ', 'g')), ' ');
        key := texts[1];
        WHILE place <= last LOOP
            digits := ltrim(numbers[place], '0');
            key := key || chr(48 + least(length(digits), 48)) || digits;
            -- What is behind the point, unless more numbers follow behind points, as in a date.
            IF texts[place + 1] IN ('.', ',') AND place < last
               AND (texts[place + 2] NOT IN ('.', ',') OR place + 1 = last) THEN
                place := place + 1;
                key := key || E'\x02' || rtrim(numbers[place], '0');
            END IF;
            key := key || E'\x01' || texts[place + 1];
            place := place + 1;
        END LOOP;
        RETURN left(key, 400);
    END $$
"""
ROWS = r"""
    INSERT INTO part_search (part_id, category_id, is_public, in_stock, amount, created_at, manufacturer, sort_key, texts, numbers, words)
    SELECT p.id, p.category_id, p.status = 'published' AND p.archived_at IS NULL,
           COALESCE((SELECT s.current_stock > s.reserved_quantity FROM stock_levels s WHERE s.part_id = p.id), false),
           part_amount(p.id), p.created_at, p.manufacturer, search_order(p.part_name), btrim(own.normal),
           search_folded(concat_ws(' ', p.sku, p.manufacturer_number)) || E' \x01' || array_to_string(own.numbers, E'\x01 \x01') || E'\x01',
           array_to_tsvector(
               own.forms || search_signs(own.folded)
               || ARRAY(SELECT left(form, 1) || E'\x01' FROM unnest(own.forms) AS form)
               || ARRAY(SELECT E'\x01' || number FROM unnest(own.numbers) AS number)
               || search_lexemes(regexp_replace(p.description, '<[A-Za-z/!?][^>]*>', ' ', 'g'), false))
    FROM parts p CROSS JOIN LATERAL (
        SELECT folded, normal, numbers, search_forms(soft, normal, true) || search_spelt_forms(value, true) || numbers AS forms
        FROM (SELECT *, search_joined(soft) AS normal
              FROM (SELECT *, search_softened(folded) AS soft
                    FROM (SELECT value, search_folded(value) AS folded,
                                 array_remove(ARRAY[search_bare(p.sku), search_bare(p.manufacturer_number)], '') AS numbers
                          FROM (SELECT concat_ws(' / ', p.sku, p.manufacturer_number,
                                                 concat_ws(' ', p.manufacturer, p.part_name)) AS value OFFSET 0) given
                          OFFSET 0) folded
                    OFFSET 0) soft
              OFFSET 0) normal
        OFFSET 0) own
"""
WRITERS = (before.FILL, before.KEEP_CONTENT, before.KEEP_MANY)


def writers(old: str, new: str) -> tuple[str, ...]:
    """Return the functions that write rows of `part_search`, with another way to make them."""
    into, kept = "INSERT INTO part_search (", "INSERT INTO part_search AS s ("
    return tuple(writer.replace(old, new).replace(old.replace(into, kept), new.replace(into, kept)) for writer in WRITERS)


def upgrade() -> None:
    for statement in (FOLDED_LETTERS, SPELT, SOFTENED, SOFT, JOINED, SIGNS, FORMS, READ, SPELT_FORMS, LEXEMES, ORDERED):
        replace(statement)
    for statement in writers(before.ROWS, ROWS):
        replace(statement)
    with op.get_context().autocommit_block():
        drop_function("search_forms(text, boolean)")


def downgrade() -> None:
    signs = importlib.import_module("migrations.versions.0003_search").SIGNS
    for statement in (
        before.FOLDED_LETTERS,
        before.SPELT,
        before.SOFT,
        before.JOINED,
        before.FORMS,
        before.LEXEMES,
        before.ORDERED,
        signs,
    ):
        before.execute(statement.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    joiners.fold(joiners.ACCENTS, joiners.ACCENTS_AND_JOINERS)
    for statement in WRITERS:
        before.execute(statement)
    for function in ("search_forms(text, text, boolean)", "search_spelt_forms(text, boolean)", "search_read(text, boolean)",
                     "search_softened(text)"):  # fmt: skip
        op.execute(f"DROP FUNCTION {function}")
