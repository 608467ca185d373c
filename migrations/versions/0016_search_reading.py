r"""What was typed is read by a function of the database, and a part's words are kept once.

The statement that reads took longer to plan than to run, and was planned anew for each search; that of a function is planned once
for each connection.

A word that a part has of its own was also kept as one of its description, if it stands there too: a search always asks for both, so
that the index's lists of common words were twice as long. Rows that are there find the same with them as without; they lose them
when they are written the next time, or by `SELECT fill_part_search()`, so that no migration has to rewrite a large table.

Revision ID: 0016
Revises: 0013
"""

import importlib

from alembic import op

revision = "0016"
down_revision = "0013"
branch_labels = None
depends_on = None

search = importlib.import_module("migrations.versions.0005_search_as_typed")
before = importlib.import_module("migrations.versions.0013_search_row_costs")

# The suffix of a number may have synonyms too (6205zz, 6205-2z). A word of punctuation alone is matched by its characters, unless
# it is the inch sign of the number before it.
READING = r"""
    CREATE FUNCTION search_reading(given text[], phrase text)
    RETURNS TABLE (word text, tokens text[], bare text, is_plain boolean, signs text[], grams text[], spelt text[], synonyms jsonb,
                   endings jsonb)
    LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
    #variable_conflict use_column
    BEGIN RETURN QUERY
    WITH typed AS MATERIALIZED (
        SELECT place, word, btrim(search_soft(word)) = '' AS is_punctuation
        FROM unnest(given) WITH ORDINALITY AS one(word, place)
    ), words AS MATERIALIZED (
        SELECT place, word, search_split(word) AS tokens, search_bare(word) AS bare
        FROM unnest(search_asked(phrase)) WITH ORDINALITY AS normal(word, place)
    ), spelt AS (
        SELECT place, search_split(word) AS tokens
        FROM unnest(search_asked(replace(search_spelt(phrase), 'å', 'aa'))) WITH ORDINALITY AS normal(word, place)
        WHERE replace(search_spelt(phrase), 'å', 'aa') <> phrase
    )
    SELECT w.word, w.tokens, w.bare, w.word ~ '^[[:alnum:]]+([-./]+[[:alnum:]]+)*$' AS is_plain,
           search_signs(w.word) AS signs, search_grams(w.word) AS grams,
           CASE WHEN s.tokens <> w.tokens THEN s.tokens END AS spelt,
           (SELECT jsonb_agg(jsonb_build_array(size, search_normal(y.means), search_tokens(y.means)) ORDER BY y.id)
            FROM generate_series(1, 5) AS size JOIN search_synonyms y ON y.term_key = (
                SELECT string_agg(other.bare, '' ORDER BY other.place) FROM words other
                WHERE other.place BETWEEN w.place AND w.place + size - 1)
            WHERE w.place + size - 1 <= (SELECT max(place) FROM words)) AS synonyms,
           (SELECT jsonb_agg(left(w.bare, -length(y.term_key)) || y.means_key ORDER BY y.id)
            FROM search_synonyms y
            WHERE w.bare ~ '^[0-9]{3}' AND right(w.bare, length(y.term_key)) = y.term_key
              AND left(w.bare, -length(y.term_key)) ~ '^[0-9]{3,}$') AS endings
    FROM words w LEFT JOIN spelt s USING (place)
    UNION ALL
    SELECT '', '{}', '', false, search_signs(search_folded(word)), '{}', NULL, NULL, NULL FROM typed t
    WHERE is_punctuation AND NOT (search_folded(word) IN ('"', '''''') AND EXISTS (
        SELECT FROM typed b WHERE b.place = t.place - 1 AND b.word ~ '[0-9]$'));
    END $$
"""


# Whatever a part's own forms are, as words of its description.
ROWS = before.ROWS.replace("           array_to_tsvector(\n", "           ts_delete(array_to_tsvector(\n").replace(
    "' ', 'g'), false))\n",
    "' ', 'g'), false)), string_to_array(E'\\x02' || array_to_string(own.forms, E' \\x02'), ' '))\n",
)


def upgrade() -> None:
    search.execute(READING)
    for statement in before.writers(search.ROWS, ROWS):
        search.execute(statement)


def downgrade() -> None:
    op.execute("DROP FUNCTION search_reading(text[], text)")
    for statement in before.writers(search.ROWS, before.ROWS):
        search.execute(statement)
