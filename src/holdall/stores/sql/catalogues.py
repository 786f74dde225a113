"""Queries of each database's catalogue: five statements, whose rows have the same meaning everywhere.

The first statement lists tables: name, kind, and further facts that ``inspection`` needs. The others list columns,
unique rules, references and triggers.
"""

from __future__ import annotations

__all__ = ["CATALOGUES"]

_SQLITE = (
    "SELECT name, type, sql FROM sqlite_schema WHERE type IN ('table', 'view')",
    """SELECT m.name, c.name, c.type, c."notnull", c.dflt_value IS NOT NULL,
              CASE WHEN c.hidden IN (2, 3) THEN 'computed' WHEN c.pk = 1 AND c.type = 'INTEGER' COLLATE NOCASE
              AND NOT EXISTS (SELECT 1 FROM pragma_index_list(m.name) AS l WHERE l.origin = 'pk')
              AND NOT EXISTS (SELECT 1 FROM pragma_table_info(m.name) AS o WHERE o.pk > 1) THEN 'counted' END, NULL
       FROM sqlite_schema AS m, pragma_table_xinfo(m.name) AS c WHERE m.type IN ('table', 'view') AND c.hidden <> 1""",
    """SELECT m.name, l.name, l.origin = 'pk', i.name, i.coll NOT IN ('BINARY', 'holdall_decimal')
       FROM sqlite_schema AS m, pragma_index_list(m.name) AS l, pragma_index_xinfo(l.name) AS i
       WHERE m.type = 'table' AND l."unique" AND NOT l.partial AND i.key
       UNION ALL SELECT m.name, '', 1, c.name, 0 FROM sqlite_schema AS m, pragma_table_xinfo(m.name) AS c
       WHERE m.type = 'table' AND c.pk > 0""",
    """SELECT m.name, f.id, f."from", f."table", f."to"
       FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table'
       ORDER BY m.name, f.id, f.seq""",
    "SELECT tbl_name, name, sql, 0, NULL FROM sqlite_schema WHERE type = 'trigger'",
)

_VISIBLE = """pg_table_is_visible(c.oid)
             AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)"""

# What differs between versions is taken out of the row as JSON, where a column that is not there is null.
_POSTGRESQL_TEXTS = (
    """SELECT c.relname::text,
              CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' WHEN 'f' THEN 'foreign table'
              ELSE CASE WHEN c.relkind = 'r' AND c.relhassubclass AND EXISTS
              (SELECT 1 FROM pg_inherits AS i WHERE i.inhparent = c.oid) THEN 'parent' ELSE 'table' END END, NULL
       FROM pg_class AS c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ARE_OURS""",
    """SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull OR y.typnotnull,
              a.atthasdef OR a.attidentity <> '' OR y.typdefault IS NOT NULL,
              CASE WHEN to_jsonb(a) ->> 'attgenerated' <> '' THEN 'computed' WHEN a.attidentity = 'a' THEN 'always'
              WHEN a.attidentity = 'd' OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%' THEN
              coalesce((SELECT CASE WHEN s.seqincrement < 0 OR s.seqcycle THEN 'turning' ELSE 'counted' END
              FROM pg_sequence AS s WHERE s.seqrelid =
              pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname)::regclass), 'unowned') END,
              CASE WHEN o.oid IS NULL THEN NULL WHEN to_jsonb(o) ->> 'collprovider' = 'd' THEN (
                  SELECT CASE WHEN coalesce(to_jsonb(b) ->> 'datlocprovider', 'c') = 'i' THEN 'icu' ELSE
                  coalesce(to_jsonb(b) ->> 'datlocale', b.datcollate) END
                  FROM pg_database AS b WHERE b.datname = current_database())
              WHEN to_jsonb(o) ->> 'collprovider' = 'i' THEN o.collname::text
              ELSE coalesce(to_jsonb(o) ->> 'colllocale', to_jsonb(o) ->> 'collcollate', o.collname::text) END
       FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
            JOIN pg_type AS y ON y.oid = a.atttypid
            LEFT JOIN pg_collation AS o ON o.oid = a.attcollation
            LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
       WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ARE_OURS""",
    """SELECT c.relname::text, x.relname::text, i.indisprimary, a.attname::text,
              coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AND NOT a.attnotnull
       FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid JOIN pg_class AS x ON x.oid = i.indexrelid
            JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place) ON k.place <= i.indnkeyatts
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.number
       WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND ARE_OURS
       ORDER BY i.indexrelid, k.place""",
    """SELECT c.relname::text, r.conname::text, a.attname::text, t.relname::text, b.attname::text
       FROM pg_constraint AS r JOIN pg_class AS c ON c.oid = r.conrelid JOIN pg_class AS t ON t.oid = r.confrelid
            JOIN unnest(r.conkey, r.confkey) WITH ORDINALITY AS k(number, other, place) ON true
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.number
            JOIN pg_attribute AS b ON b.attrelid = t.oid AND b.attnum = k.other
       WHERE r.contype = 'f' AND ARE_OURS ORDER BY c.relname, r.conname, k.place""",
    """SELECT c.relname::text, t.tgname::text, CASE WHEN l.lanname IN ('plpgsql', 'sql') THEN p.prosrc END,
              t.tgtype & 2 <> 0, (
                  WITH RECURSIVE called(oid, source) AS (
                      SELECT p.oid, p.prosrc UNION SELECT q.oid, q.prosrc
                      FROM called AS r JOIN pg_proc AS q ON q.provolatile = 'v' AND r.source ~* (
                           '\\m' || regexp_replace(q.proname, '(\\W)', '\\\\\\1', 'g') || '"?\\s*\\(')
                      JOIN pg_language AS k ON k.oid = q.prolang AND k.lanname IN ('plpgsql', 'sql')
                      WHERE q.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace))
                  SELECT string_agg(source, ';') FROM called WHERE oid <> p.oid)
       FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_proc AS p ON p.oid = t.tgfoid
            JOIN pg_language AS l ON l.oid = p.prolang
       WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgtype & 28 <> 0 AND ARE_OURS
       UNION ALL SELECT c.relname::text, w.rulename::text, CASE WHEN NOT w.is_instead THEN pg_get_ruledef(w.oid) END,
              w.is_instead, NULL
       FROM pg_rewrite AS w JOIN pg_class AS c ON c.oid = w.ev_class
       WHERE w.ev_type IN ('2', '3', '4') AND c.relkind IN ('r', 'p') AND ARE_OURS""",
)
_POSTGRESQL = tuple(text.replace("ARE_OURS", _VISIBLE) for text in _POSTGRESQL_TEXTS)

_MYSQL = (
    """SELECT table_name, CASE WHEN table_type LIKE '%VIEW%' THEN 'view' ELSE 'table' END, engine
       FROM information_schema.tables WHERE table_schema = database()""",
    """SELECT table_name, column_name, column_type, is_nullable = 'NO',
              column_default IS NOT NULL OR extra LIKE '%auto_increment%',
              CASE WHEN coalesce(generation_expression, '') <> '' THEN 'computed'
              WHEN extra LIKE '%auto_increment%' THEN 'counted' WHEN column_default LIKE 'nextval(%' THEN 'sequenced'
              WHEN extra LIKE '%on update%' THEN 'renewed' END, collation_name
       FROM information_schema.columns WHERE table_schema = database()""",
    """SELECT table_name, index_name, index_name = 'PRIMARY', column_name, sub_part IS NOT NULL
       FROM information_schema.statistics WHERE table_schema = database() AND non_unique = 0
       ORDER BY table_name, index_name, seq_in_index""",
    """SELECT table_name, constraint_name, column_name, referenced_table_name, referenced_column_name
       FROM information_schema.key_column_usage
       WHERE table_schema = database() AND referenced_table_name IS NOT NULL
       ORDER BY table_name, constraint_name, ordinal_position""",
    """SELECT event_object_table, trigger_name, action_statement, action_timing = 'BEFORE', NULL
       FROM information_schema.triggers
       WHERE trigger_schema = database() AND event_manipulation <> 'DELETE'""",
)

CATALOGUES: dict[str, tuple[str, ...]] = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL, "mysql": _MYSQL}
