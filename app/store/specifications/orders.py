"""The order of what parts say of a specification."""

# What each part of a list says of the name that orders it. Only what the order needs is kept of the parts: their words fill
# pages.
PLACED_ROWS = """
    (WITH hits AS MATERIALIZED (SELECT s.part_id, s.sort_key FROM {rows} WHERE {conditions})
     SELECT h.*, true AS is_public, m.place FROM hits h LEFT JOIN (
         SELECT f.part_id, min(v.place) AS place
         FROM (SELECT p.part_id, unnest(p.keys) AS key
               FROM part_features p WHERE p.part_id = ANY(ARRAY(SELECT part_id FROM hits))) f
         JOIN (SELECT v.key, v.place FROM specification_values v WHERE v.named = specification_hash(:sorted_by) OFFSET 0) v
           ON v.key = f.key
         GROUP BY f.part_id) m ON m.part_id = h.part_id) s"""
