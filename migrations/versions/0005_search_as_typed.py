r"""Search and order as buyers type: one normal form of texts, and names in the order in which people look for them.

Nobody waits for it: new columns, then the functions that fill them, then the parts that were there before, a hundred at a time. It may
be stopped anywhere and started again. The release before goes on listing and writing: its column `name` is still filled, and goes
with its functions in revision 0008; what its searches find is incomplete until the release after it answers them. On the way back
writers of parts wait.

The words of `part_search`, by what stands before or behind them:

- `bearing`: a word, in one of its forms, of the name, the maker or a number;
- `\x02bearing`: one of the description alone;
- `\x0162052rs`: a whole number without its punctuation;
- `b\x01`: the first letter of a word of name, maker or number, or the hexadecimal code of another sign in them.

Revision ID: 0005
Revises: 0004
"""

import importlib

import sqlalchemy as sa
from alembic import op

from migrations.steps import add_constraint, build_index, execute, index_parts, replace, trigger

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Letters that no decomposition leads back to those that people type instead. Greek words end in another sigma; in Japanese the
# same word is written in either syllabary.
KATAKANA = "".join(map(chr, range(0x30A1, 0x30F7)))
HIRAGANA = "".join(map(chr, range(0x3041, 0x3097)))
LETTERS = {"ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "ŧ": "t", "ŋ": "n", "ĸ": "k", "ƒ": "f", "ς": "σ", "⌀": "o"}
DIGRAPHS = {"æ": "ae", "œ": "oe", "ß": "ss", "þ": "th"}
# The signs that keyboards have, for those that typesetters put in their place.
SIGNS = (
    dict.fromkeys("‐‑‒–—―−", "-")
    | dict.fromkeys("×✕✖⨯", "x")
    | dict.fromkeys("“”„‟", '"')
    | dict.fromkeys("‘’‚‛′ʼ", "'")
    | {"⁄": "/"}
)
# Scripts that put no spaces between words: Thai to Burmese, Khmer, Japanese, Chinese, Korean.
RUNS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U000323af"
SINGLES = LETTERS | SIGNS | dict(zip(KATAKANA, HIRAGANA, strict=True))
FROM, TO = "".join(SINGLES).replace("'", "''"), "".join(SINGLES.values()).replace("'", "''")
FRACTIONS = "¼-¾⅐-⅞"

# What is behind `search_folded` for texts with letters beyond ASCII; most have none.
FOLDED_LETTERS = f"""
    CREATE FUNCTION search_folded_letters(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE t text := value;
    BEGIN
        t := regexp_replace(t, '([0-9])(?=[{FRACTIONS}])', '\\1 ', 'g');
        t := regexp_replace(normalize(t, NFKD), '[\\u0300-\\u036f]+', '', 'g');
        t := translate(lower(normalize(t, NFC)), '{FROM}', '{TO}');
        {" ".join(f"t := replace(t, '{one}', '{two}');" for one, two in DIGRAPHS.items())}
        -- Units: micro before a Latin letter or ohm; ohm where it is no letter of a Greek word.
        t := regexp_replace(t, 'μ(?=[a-zω])', 'u', 'g');
        t := regexp_replace(t, '(?<![α-ψ])ω(?![α-ω])', 'ohm', 'g');
        IF t ~ '[{RUNS}]' THEN
            t := regexp_replace(t, '(?<=[{RUNS}])(?=[^{RUNS} ])|(?<=[^{RUNS} ])(?=[{RUNS}])', ' ', 'g');
        END IF;
        RETURN left(t, 60000);
    END $$
"""
# In small letters without accents, ligatures and the like: the only place where letters are made equal.
FOLDED = """
    CREATE OR REPLACE FUNCTION search_folded(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN octet_length(value) = length(value) THEN lower(value) ELSE search_folded_letters(value) END
"""
# As somebody writes whose keyboard has no umlauts; of å, which is written in two ways, it is left to the caller.
SPELT = """
    CREATE FUNCTION search_spelt(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE t text;
    BEGIN
        IF octet_length(value) = length(value) THEN RETURN value; END IF;
        t := lower(normalize(value, NFC));
        IF t !~ '[äöüøå]' THEN RETURN value; END IF;
        RETURN replace(replace(replace(replace(t, 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), 'ø', 'oe');
    END $$
"""
# Folded, with decimal points, inches spelt out, and without the punctuation of sentences. Begins and ends with a space.
# A chain of plain replacements takes a tenth of the time of one with a pattern.
PUNCTUATION = ",;()[]{}!?\"''|<>:"
SOFT = f"""
    CREATE FUNCTION search_soft(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE t text := ' ' || search_folded(left(value, 60000)) || ' ';
    BEGIN
        t := regexp_replace(t, '(?<=[0-9]),(?=[0-9])', '.', 'g');
        t := regexp_replace(t, '(?<= )\\.(?=[0-9])', '0.', 'g');
        t := regexp_replace(t, '(?<=[0-9]) *(?:"|''''|inch(?:es)?\\M|zoll\\M)', 'in ', 'g');
        t := regexp_replace(t, '([./][0-9]+) +in\\M', '\\1in', 'g');
        t := {"replace(" * len(PUNCTUATION.replace("''", "'"))}t{"".join(f", '{sign}', ' ')" for sign in PUNCTUATION.replace("''", "'") if sign != "'")}, '''', ' ');
        RETURN replace(t, '. ', ' ');
    END $$
"""
UNITS = (
    "mm|cm|dm|km|um|nm|m|ft|mg|kg|g|lbs|lb|oz|ml|kv|mv|vac|vdc|v|ma|ua|ka|kw|mw|w|kva|va|ghz|mhz|khz|hz|kohms?|mohms?|ohms?|pf|nf|uf|mf"
    "|nh|uh|mh|kpa|mpa|pa|mbar|bar|psi|kn|rpm|hv|hrc|ah|mah|°c|°f|°|%"
)
# What belongs together joined: sizes (M8x40), numbers with their units (10mm), threads and standards with their numbers (DIN912).
JOINED = f"""
    CREATE FUNCTION search_joined(soft text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE t text := soft;
    BEGIN
        t := regexp_replace(t, '(?<=[0-9]) *(?:mm|in)? *[x*хχ] *(?=[0-9])', 'x', 'g');
        IF strpos(t, 'iso') > 0 THEN
            t := regexp_replace(t, '\\m(?:din[ -]+)?(?:en[ -]+)?(?=iso[ -]*[0-9])', '', 'g');
        END IF;
        t := regexp_replace(t, '(?<=\\m(?:din|iso|en|m))[ -]+(?=[0-9])', '', 'g');
        t := regexp_replace(t, '(?<=[0-9]) +(?=(?:{UNITS})(?![^-./ ]))', '', 'g');
        IF strpos(t, 'ohm') > 0 THEN
            t := regexp_replace(t, '(?<=[0-9]) *([kmu]?) ?ohms?\\M', '\\1ohm', 'g');
        END IF;
        RETURN t;
    END $$
"""
NORMAL = """
    CREATE FUNCTION search_normal(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN COALESCE(btrim(search_joined(search_soft(value))), '')
"""
# The words of a normal form: letters and digits, with points between them. A lexeme may not be longer than 2 kB.
WORDS = r"""
    CREATE FUNCTION search_split(normal text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE t text := regexp_replace(normal, '[^[:alnum:]. ]+|(?<![[:alnum:]])[.]+|[.]+(?![[:alnum:]])', ' ', 'g');
    BEGIN
        IF length(t) > 200 AND t ~ '[^ ]{200}' THEN t := regexp_replace(t, '([^ ]{200})[^ ]+', '\1', 'g'); END IF;
        RETURN array_remove(string_to_array(t, ' '), '');
    END $$
"""
TOKENS = """
    CREATE OR REPLACE FUNCTION search_tokens(value text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN search_split(search_normal(value))
"""
# Every form in which the words of a text may be asked for: as they are and in the normal form; the lengths of sizes one by one and
# from each one on (42x7 of 30x42x7); signs and pairs of signs of scripts without spaces; and, of a part's own texts, each word with
# the one behind it (oring of O-ring) and what follows its first letters (70 of NBR70). Words of descriptions are marked.
FORMS = f"""
    CREATE FUNCTION search_forms(value text, is_own boolean) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE
        soft text := search_soft(value);
        normal text := search_joined(soft);
        words text[] := search_split(normal);
        forms text[] := words || search_split(soft);
        word text;
        before text;
        sizes text[];
    BEGIN
        -- Sizes with other signs between them, which buyers type with an x.
        IF is_own AND normal ~ '[0-9][-/][0-9]' THEN
            forms := forms || search_split(regexp_replace(normal, '(?<=[0-9])[-/](?=[0-9])', 'x', 'g'));
        END IF;
        IF is_own OR normal ~ '[0-9]x[0-9]' THEN
            FOREACH word IN ARRAY words LOOP
                IF strpos(word, 'x') > 0 AND word ~ '[0-9]x[0-9]' THEN
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
        IF octet_length(normal) > length(normal) AND normal ~ '[{RUNS}]' THEN
            -- Sign by sign in one pass: `substr` would count from the beginning of a long run each time.
            forms := forms || ARRAY(
                SELECT DISTINCT form
                FROM regexp_matches(normal, '[{RUNS}]+', 'g') AS run
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
# All of them, also as they are spelt without umlauts.
LEXEMES = """
    CREATE FUNCTION search_lexemes(value text, is_own boolean) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN value IS NULL THEN '{}'
                WHEN search_spelt(value) = value AND strpos(value, 'å') = 0 THEN search_forms(value, is_own)
                ELSE search_forms(value, is_own) || search_forms(search_spelt(value), is_own)
                     || search_forms(replace(search_spelt(value), 'å', 'aa'), is_own) END
"""
# A name's place in an order of code points that is that of people: letters without case and accents, spaces before signs before
# digits before letters, and numbers by their size. A number is written as how many digits it has before the point (U+0030 for none, for zero),
# those digits, U+0002 and the digits behind the point if there are any, and U+0001. Of a name that is too long for the index its
# beginning counts. PostgreSQL's own ICU collations would need a build with ICU, which the embedded one is not, and change their
# order with the library's version.
ORDERED = r"""
    CREATE FUNCTION search_order(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (
        SELECT COALESCE(left(string_agg(
            translate(piece[1], E' :;<=>?@[\\]^_`{|}~', E'\x03\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e')
            || CASE WHEN piece[2] IS NULL THEN '' ELSE
                 chr(48 + least(length(ltrim(piece[2], '0')), 48)) || ltrim(piece[2], '0')
                 || CASE WHEN piece[3] IS NULL THEN '' ELSE E'\x02' || rtrim(substr(piece[3], 2), '0') END || E'\x01' END,
            '' ORDER BY place), 400), '')
        FROM regexp_matches(left(search_folded(left(value, 1000)), 400),
                            '([^0-9]*)(?:([0-9]+)([.,][0-9]+(?![0-9]|[.,][0-9]))?)?', 'g') WITH ORDINALITY AS found(piece, place)) COLLATE "C"
"""
ROWS = r"""
    INSERT INTO part_search (part_id, category_id, is_public, in_stock, amount, created_at, manufacturer, sort_key, texts, numbers, words)
    SELECT p.id, p.category_id, p.status = 'published' AND p.archived_at IS NULL,
           COALESCE((SELECT s.current_stock > s.reserved_quantity FROM stock_levels s WHERE s.part_id = p.id), false),
           part_amount(p.id), p.created_at, p.manufacturer, search_order(p.part_name), search_normal(own.value),
           search_folded(concat_ws(' ', p.sku, p.manufacturer_number)) || E' \x01' || array_to_string(own.numbers, E'\x01 \x01') || E'\x01',
           array_to_tsvector(
               own.forms || search_signs(search_folded(own.value))
               || ARRAY(SELECT DISTINCT left(form, 1) || E'\x01' FROM unnest(own.forms) AS form)
               || ARRAY(SELECT E'\x01' || number FROM unnest(own.numbers) AS number)
               || search_lexemes(regexp_replace(p.description, '<[A-Za-z/!?][^>]*>', ' ', 'g'), false))
    FROM parts p CROSS JOIN LATERAL (
        SELECT value, numbers, search_lexemes(value, true) || numbers AS forms
        FROM (SELECT concat_ws(' / ', p.sku, p.manufacturer_number, concat_ws(' ', p.manufacturer, p.part_name)) AS value,
                     array_remove(ARRAY[search_bare(p.sku), search_bare(p.manufacturer_number)], '') AS numbers) given
        OFFSET 0) own
"""
BARE = """
    CREATE FUNCTION search_bare(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN left(regexp_replace(search_normal(value), '[^[:alnum:]]+', '', 'g'), 500)
"""
GRAMS = f"""
    CREATE FUNCTION search_grams(word text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN word !~ '^[{RUNS}]+$' THEN '{{}}' WHEN length(word) = 1 THEN ARRAY[word]
                ELSE ARRAY(SELECT DISTINCT substr(word, place, 2) FROM generate_series(1, length(word) - 1) AS place) END
"""  # noqa: S608 — constant text
# The words of a search in the normal form. What is behind a number that is no measure (M8 A2) is a word of its own, and a standard's
# number ends where letters begin (DIN912M6x20); a catalog's own numbers are left as they are.
ASKED = r"""
    CREATE FUNCTION search_asked(value text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_remove(string_to_array(regexp_replace(
        replace(search_joined(
            regexp_replace(search_soft(value), '([a-wyz][0-9.]+) +(?=(?!x *[0-9])[a-z%°])', E'\\1 \x03 ', 'g')), E' \x03 ', ' '),
        '(?<=\m(?:din|iso|en)[0-9]{2,6})-?(?=[a-z])', ' ', 'g'), ' '), '')
"""
CONTENT = ("category_id", "is_public", "created_at", "manufacturer", "sort_key", "texts", "numbers", "words")


def on_conflict(*columns: str) -> str:
    """Return the clause that replaces what differs."""
    assignments = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns)
    present, given = ", ".join(f"s.{name}" for name in columns), ", ".join(f"EXCLUDED.{name}" for name in columns)
    return f"ON CONFLICT (part_id) DO UPDATE SET {assignments} WHERE ({present}) IS DISTINCT FROM ({given})"


WORDS_OF = "unnest(search_split(concat_ws(' ', {of}texts, {of}numbers))) AS word"
KEPT_ROWS = ROWS.replace("INSERT INTO part_search (", "INSERT INTO part_search AS s (")
# As in revision 0003, where it is said why.
KEEP_MANY = f"""
    CREATE OR REPLACE FUNCTION keep_search_of(part_ids int[]) RETURNS void LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
    BEGIN
        {KEPT_ROWS} WHERE p.id = ANY(part_ids) {on_conflict(*CONTENT, "in_stock", "amount")};
        INSERT INTO search_words (word)
        SELECT word FROM (
            SELECT DISTINCT word FROM part_search, {WORDS_OF.format(of="")}
            WHERE part_id = ANY(part_ids) AND length(word) BETWEEN 3 AND 100) given
        WHERE (SELECT k.id FROM search_words k WHERE k.word = given.word LIMIT 1) IS NULL;
    END $$
"""  # noqa: S608 — constant text
KEEP_CONTENT = f"""
    CREATE OR REPLACE FUNCTION keep_search_content() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
    BEGIN
        {KEPT_ROWS} WHERE p.id = NEW.id {on_conflict(*CONTENT)};
        RETURN NULL;
    END $$
"""
FILL = f"""
    CREATE OR REPLACE FUNCTION fill_part_search() RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM set_config('lockstep.bulk', 'on', true);
        TRUNCATE part_search, search_words;
        {ROWS};
        INSERT INTO search_words (word)
        SELECT DISTINCT word FROM part_search, {WORDS_OF.format(of="")} WHERE length(word) BETWEEN 3 AND 100;
        PERFORM set_config('lockstep.bulk', '', true);
    END $$
"""  # noqa: S608 — constant text
KEEP_WORDS = f"""
    CREATE OR REPLACE FUNCTION keep_search_words() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
    BEGIN
        INSERT INTO search_words (word)
        SELECT DISTINCT word FROM {WORDS_OF.format(of="NEW.")}
        WHERE length(word) BETWEEN 3 AND 100 AND (SELECT k.id FROM search_words k WHERE k.word = word.word LIMIT 1) IS NULL;
        RETURN NULL;
    END $$
"""  # noqa: S608 — constant text
SINGLY = "COALESCE(current_setting('lockstep.bulk', true), '') <> 'on'"

# What buyers say for what catalogs say: each of a line means all the others.
SAME = """
    din 912 = iso 4762
    din 931 = iso 4014
    din 933 = iso 4017
    din 934 = iso 4032
    din 439 = iso 4035
    din 982 = iso 7040
    din 985 = iso 10511
    din 7991 = iso 10642
    din 913 = iso 4026
    din 914 = iso 4027
    din 915 = iso 4028
    din 916 = iso 4029
    din 125 = iso 7089
    din 125 = iso 7090
    din 433 = iso 7092
    din 9021 = iso 7093
    din 94 = iso 1234
    din 7 = iso 2338
    din 6325 = iso 8734
    din 1481 = iso 8752
    din 3760 = iso 6194
    din 3771 = iso 3601
    din 7753 = iso 4184
    din 625 = iso 15
    din 711 = iso 104
    stainless = inox = edelstahl = rostfrei = v2a
    zinc plated = galvanised = galvanized = verzinkt
    bearing = lager
    ball bearing = kugellager
    deep groove = rillenkugellager
    screw = schraube
    bolt = screw
    nut = mutter
    washer = scheibe = unterlegscheibe
    socket head cap screw = allen screw = allen bolt = socket screw = cap head screw = zylinderschraube
    set screw = grub screw = gewindestift = madenschraube
    countersunk = flat head = senkschraube
    button head = linsenkopf
    lock nut = nyloc = nylock = stop nut = stoppmutter = sicherungsmutter
    prevailing torque nut = lock nut = nyloc = nylock
    retaining ring = circlip = snap ring = seeger ring = sicherungsring
    dowel pin = parallel pin = zylinderstift
    split pin = cotter pin = splint
    parallel key = passfeder = feather key
    shaft seal = oil seal = simmerring = wellendichtring = radial seal
    o-ring = gasket ring = rundring
    v-belt = keilriemen = wedge belt
    timing belt = toothed belt = zahnriemen
    fkm = viton = fpm
    nbr = buna = perbunan = nitrile
    2rs = 2rs1 = 2rsr = 2rsh = ddu = llu
    2z = zz = 2zr
    hexagon = hex = sechskant
    grey = gray = grau
    colour = color
    aluminium = aluminum
    fibre = fiber
    metre = meter
"""
# What is a kind of another thing: who asks for the first is shown the second as well, and not the other way round.
WIDER = (
    "stainless > a2, stainless > a4, inox > a2, inox > a4, edelstahl > a2, edelstahl > a4, rostfrei > a2, rostfrei > a4, v2a > a2"
)


def synonyms() -> list[dict[str, str]]:
    """Return the pairs of term and meaning that a shop begins with."""
    pairs = {tuple(part.strip() for part in pair.split(">")) for pair in WIDER.split(",")}
    for line in SAME.strip().splitlines():
        terms = [term.strip() for term in line.split("=")]
        pairs |= {(term, other) for term in terms for other in terms if term != other}
    return [{"term": term, "means": means} for term, means in sorted(pairs)]


KEEP_KEYS = """
    CREATE FUNCTION keep_synonym_keys() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.term_key := search_bare(NEW.term);
        NEW.means_key := search_bare(NEW.means);
        RETURN NEW;
    END $$
"""
# The column that the release before orders lists by.
KEEP_NAME = """
    CREATE FUNCTION keep_search_name() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.name := (SELECT lower(part_name) FROM parts WHERE id = NEW.part_id);
        RETURN NEW;
    END $$
"""


def keep_for_the_release_before() -> None:
    """Fill `name` beside what takes its place."""
    replace(KEEP_NAME)
    trigger(
        "search_name_kept",
        "part_search",
        "BEFORE INSERT OR UPDATE ON part_search FOR EACH ROW EXECUTE FUNCTION keep_search_name()",
    )


def end_the_release_before() -> None:
    """Drop what only the release before this one reads."""
    # The column and what fills it in one statement, and so at once: without a name no row could be written.
    column = "ALTER TABLE part_search DROP COLUMN IF EXISTS name"
    for statement in (
        f"DO $do$ BEGIN DROP TRIGGER IF EXISTS search_name_kept ON part_search; {column}; END $do$",
        "DROP FUNCTION IF EXISTS keep_search_name()",
        "DROP FUNCTION IF EXISTS search_query(text, boolean)",
        "DROP FUNCTION IF EXISTS search_marks(text)",
    ):
        execute(statement)


def bring_back_the_release_before() -> None:
    """Undo `end_the_release_before`."""
    before = importlib.import_module("migrations.versions.0003_search")
    execute('ALTER TABLE part_search ADD COLUMN name text COLLATE "C"')
    keep_for_the_release_before()
    execute("UPDATE part_search SET name = name")
    execute("ALTER TABLE part_search ALTER COLUMN name SET NOT NULL")
    execute("CREATE INDEX ix_part_search_name ON part_search (name, part_id) WHERE is_public")
    for statement in (before.MARKS, before.QUERY):
        replace(statement)


def make_synonyms() -> None:
    """Make the table of synonyms, with those that a shop begins with."""
    op.create_table(
        "search_synonyms",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("term_key", sa.Text(), nullable=False),
        sa.Column("means_key", sa.Text(), nullable=False),
        sa.CheckConstraint("term_key <> '' AND means_key <> '' AND term_key <> means_key", name=op.f("ck_search_synonyms_keys")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_synonyms")),
        if_not_exists=True,
    )
    op.create_index("uq_search_synonyms_term_key", "search_synonyms", ["term_key", "means_key"], unique=True, if_not_exists=True)
    replace(KEEP_KEYS)
    trigger(
        "search_synonyms_keyed",
        "search_synonyms",
        "BEFORE INSERT OR UPDATE ON search_synonyms FOR EACH ROW EXECUTE FUNCTION keep_synonym_keys()",
    )
    insert = sa.text("INSERT INTO search_synonyms (term, means) VALUES (:term, :means) ON CONFLICT DO NOTHING")
    op.get_bind().execute(insert, synonyms())


def upgrade() -> None:
    with op.get_context().autocommit_block():
        keep_for_the_release_before()
        execute('ALTER TABLE part_search ADD COLUMN IF NOT EXISTS sort_key text COLLATE "C"')
        execute("ALTER TABLE part_search ADD COLUMN IF NOT EXISTS texts text")
        for statement in (
            FOLDED_LETTERS,
            FOLDED,
            SPELT,
            SOFT,
            JOINED,
            NORMAL,
            WORDS,
            TOKENS,
            FORMS,
            LEXEMES,
            ORDERED,
            BARE,
            GRAMS,
            ASKED,
            KEEP_WORDS,
            FILL,
            KEEP_CONTENT,
            KEEP_MANY,
        ):
            replace(statement)
        trigger(
            "search_words_kept",
            "part_search",
            "AFTER INSERT OR UPDATE OF texts, numbers ON part_search"
            f" FOR EACH ROW WHEN ({SINGLY}) EXECUTE FUNCTION keep_search_words()",
        )
        index_parts()
        for column in ("sort_key", "texts"):
            add_constraint("part_search", f"part_search_{column}_not_null", f"NOT NULL {column}")
        build_index("ix_part_search_sort_key", "part_search (sort_key, part_id) WHERE is_public")
        # The panel has the same order over all parts.
        build_index("ix_part_search_all_sort_key", "part_search (sort_key, part_id)")
        execute("ANALYZE part_search")
        make_synonyms()


def downgrade() -> None:
    op.drop_table("search_synonyms")
    execute("DROP FUNCTION keep_synonym_keys()")
    before = importlib.import_module("migrations.versions.0003_search")
    execute("LOCK TABLE parts, stock_levels, part_prices, prices, part_search IN SHARE ROW EXCLUSIVE MODE")
    for statement in ("DROP TRIGGER search_name_kept ON part_search", "DROP FUNCTION keep_search_name()"):
        execute(statement)
    for statement in (before.FOLDED, before.TOKENS, before.FILL, before.KEEP_CONTENT, before.KEEP_MANY, before.KEEP_WORDS):
        replace(statement)
    trigger(
        "search_words_kept",
        "part_search",
        "AFTER INSERT OR UPDATE OF name, manufacturer, numbers ON part_search"
        f" FOR EACH ROW WHEN ({SINGLY}) EXECUTE FUNCTION keep_search_words()",
    )
    for column in ("sort_key", "texts"):
        execute(f"ALTER TABLE part_search DROP COLUMN {column}")
    execute("SELECT fill_part_search()")
    for function in ("search_asked(text)", "search_grams(text)", "search_bare(text)", "search_order(text)", "search_lexemes(text, boolean)",
                     "search_forms(text, boolean)", "search_split(text)", "search_normal(text)", "search_joined(text)",
                     "search_soft(text)", "search_spelt(text)", "search_folded_letters(text)"):  # fmt: skip
        execute(f"DROP FUNCTION {function}")
