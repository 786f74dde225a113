"""Queries of each database's catalogue: seven statements, whose rows have the same meaning everywhere.

The first statement lists tables: name, kind, further facts that ``inspection`` needs, and the name with that of its
schema, by which references name what they lead to. The others list columns, unique rules, references, triggers, CHECKs
and the names of indexes that can be used.
"""

from __future__ import annotations

__all__ = ["CATALOGUES", "catalogue"]

_SQLITE = (
    "SELECT name, type, sql, name FROM sqlite_schema WHERE type IN ('table', 'view')",
    """SELECT m.name, c.name, c.type, c."notnull", c.dflt_value IS NOT NULL,
              CASE WHEN c.hidden IN (2, 3) THEN 'computed' WHEN c.pk = 1 AND c.type = 'INTEGER' COLLATE NOCASE
              AND NOT EXISTS (SELECT 1 FROM pragma_index_list(m.name) AS l WHERE l.origin = 'pk')
              AND NOT EXISTS (SELECT 1 FROM pragma_table_info(m.name) AS o WHERE o.pk > 1) THEN 'counted' END,
              NULL, NULL, NULL
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
    "SELECT name, NULL, sql, NULL FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%check%'",
    "SELECT tbl_name, name FROM sqlite_schema WHERE type = 'index'",
)

_VISIBLE = """pg_table_is_visible(c.oid)
             AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)"""

# What differs between versions is taken out of the row as JSON, where a column that is not there is null. OFFSET 0
# keeps the server from weighing every order of all joins, which takes longer than the answer.
_POSTGRESQL = (
    """SELECT c.relname::text,
              CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' WHEN 'f' THEN 'foreign table'
              ELSE CASE WHEN c.relkind = 'r' AND c.relhassubclass AND EXISTS
              (SELECT 1 FROM pg_inherits AS i WHERE i.inhparent = c.oid) THEN 'parent'
              WHEN to_jsonb(c) ->> 'relispartition' = 'true' THEN 'partition' ELSE 'table' END END, NULL,
              n.nspname || '.' || c.relname
       FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ARE_OURS""",
    """SELECT c.relname::text, a.attname::text,
              CASE WHEN 'e' IN (b.typtype, e.typtype) THEN 'enum ' ELSE '' END || format_type(b.oid, b.size),
              a.attnotnull OR b.required,
              a.atthasdef OR a.attidentity <> '' OR a.typdefault IS NOT NULL,
              CASE WHEN to_jsonb(a) ->> 'attgenerated' <> '' THEN 'computed' WHEN a.attidentity = 'a' THEN 'always'
              WHEN a.attidentity = 'd' OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%' THEN
              coalesce((SELECT CASE WHEN s.seqincrement < 0 OR s.seqcycle THEN 'turning' ELSE 'counted' END
              FROM pg_sequence AS s WHERE s.seqrelid =
              pg_get_serial_sequence(format('%I.%I', c.nspname, c.relname), a.attname)::regclass), 'unowned') END,
              CASE WHEN o.oid IS NULL THEN NULL WHEN to_jsonb(o) ->> 'collprovider' = 'd' THEN (
                  SELECT CASE WHEN coalesce(to_jsonb(b) ->> 'datlocprovider', 'c') = 'i' THEN 'icu' ELSE
                  coalesce(to_jsonb(b) ->> 'datlocale', b.datcollate) END
                  FROM pg_database AS b WHERE b.datname = current_database())
              WHEN to_jsonb(o) ->> 'collprovider' = 'i' THEN o.collname::text
              ELSE coalesce(to_jsonb(o) ->> 'colllocale', to_jsonb(o) ->> 'collcollate', o.collname::text) END
              || CASE WHEN to_jsonb(o) ->> 'collisdeterministic' = 'false' THEN ' (not deterministic)' ELSE '' END,
              format_type(b.oid, NULL),
              (SELECT array_agg(l.enumlabel::text ORDER BY l.enumsortorder) FROM pg_enum AS l
               WHERE l.enumtypid IN (b.oid, e.oid))
       FROM (SELECT c.oid, c.relname, n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ARE_OURS OFFSET 0) AS c
            JOIN LATERAL (SELECT a.*, y.typdefault FROM pg_attribute AS a JOIN pg_type AS y ON y.oid = a.atttypid
                          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped OFFSET 0) AS a ON true
            JOIN LATERAL (
                WITH RECURSIVE below(oid, size, required) AS (
                    SELECT a.atttypid, a.atttypmod, false
                    UNION ALL SELECT t.typbasetype, greatest(below.size, t.typtypmod),
                           below.required OR t.typnotnull
                    FROM below JOIN pg_type AS t ON t.oid = below.oid WHERE t.typtype = 'd')
                SELECT t.oid, t.typtype, t.typelem, below.size, below.required
                FROM below JOIN pg_type AS t ON t.oid = below.oid
                WHERE t.typtype <> 'd') AS b ON true
            LEFT JOIN pg_type AS e ON e.oid = b.typelem AND e.typtype = 'e'
            LEFT JOIN pg_collation AS o ON o.oid = a.attcollation
            LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
       ORDER BY a.attrelid, a.attnum""",
    """SELECT c.relname::text, x.relname::text, i.indisprimary, a.attname::text,
              coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AND NOT a.attnotnull
       FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid JOIN pg_class AS x ON x.oid = i.indexrelid
            JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place) ON k.place <= i.indnkeyatts
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.number
       WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND ARE_OURS
       ORDER BY i.indexrelid, k.place""",
    """SELECT r.name, r.conname::text, a.attname::text, r.target, b.attname::text
       FROM (SELECT c.relname::text AS name, r.*, n.nspname || '.' || t.relname AS target
             FROM pg_constraint AS r JOIN pg_class AS c ON c.oid = r.conrelid JOIN pg_class AS t ON t.oid = r.confrelid
                  JOIN pg_namespace AS n ON n.oid = t.relnamespace
             WHERE r.contype = 'f' AND ARE_OURS OFFSET 0) AS r
            JOIN unnest(r.conkey, r.confkey) WITH ORDINALITY AS k(number, other, place) ON true
            JOIN pg_attribute AS a ON a.attrelid = r.conrelid AND a.attnum = k.number
            JOIN pg_attribute AS b ON b.attrelid = r.confrelid AND b.attnum = k.other
       ORDER BY r.name, r.conname, k.place""",
    """SELECT c.relname::text, t.tgname::text, CASE WHEN l.lanname IN ('plpgsql', 'sql') THEN p.prosrc
              WHEN p.proname LIKE 'tsvector_update_trigger%' AND p.pronamespace = 'pg_catalog'::regnamespace THEN
              'new.' || quote_ident(convert_from(substring(t.tgargs FROM 1 FOR
              position('\\x00'::bytea IN t.tgargs) - 1), 'UTF8')) || ' := it; return new' END,
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
    """SELECT c.relname::text, r.conname::text, NULL, (
              SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute AS a
              WHERE a.attrelid = c.oid AND a.attnum = ANY(r.conkey))
       FROM pg_constraint AS r JOIN pg_class AS c ON c.oid = r.conrelid
       WHERE r.contype = 'c' AND ARE_OURS""",
    """SELECT c.relname::text, x.relname::text
       FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid JOIN pg_class AS x ON x.oid = i.indexrelid
       WHERE i.indisvalid AND i.indpred IS NULL AND ARE_OURS""",
)

_MYSQL = (
    """SELECT table_name, CASE WHEN table_type LIKE '%VIEW%' THEN 'view' ELSE 'table' END, engine,
              concat(table_schema, '.', table_name)
       FROM information_schema.tables WHERE table_schema = OURS""",
    """SELECT table_name, column_name, column_type, is_nullable = 'NO',
              column_default IS NOT NULL OR extra LIKE '%auto_increment%',
              CASE WHEN coalesce(generation_expression, '') <> '' THEN 'computed'
              WHEN extra LIKE '%auto_increment%' THEN 'counted' WHEN column_default LIKE 'nextval(%' THEN 'sequenced'
              WHEN extra LIKE '%on update%' THEN 'renewed' END, collation_name, NULL, NULL
       FROM information_schema.columns WHERE table_schema = OURS ORDER BY table_name, ordinal_position""",
    """SELECT table_name, index_name, index_name = 'PRIMARY', column_name, sub_part IS NOT NULL
       FROM information_schema.statistics WHERE table_schema = OURS AND non_unique = 0
       ORDER BY table_name, index_name, seq_in_index""",
    """SELECT table_name, constraint_name, column_name,
              concat(referenced_table_schema, '.', referenced_table_name), referenced_column_name
       FROM information_schema.key_column_usage
       WHERE table_schema = OURS AND referenced_table_name IS NOT NULL
       ORDER BY table_name, constraint_name, ordinal_position""",
    """SELECT event_object_table, trigger_name, action_statement, action_timing = 'BEFORE', NULL
       FROM information_schema.triggers
       WHERE trigger_schema = OURS AND event_manipulation <> 'DELETE'""",
    """SELECT t.table_name, t.constraint_name, c.check_clause, NULL
       FROM information_schema.table_constraints AS t JOIN information_schema.check_constraints AS c
            ON c.constraint_schema = t.constraint_schema AND c.constraint_name = t.constraint_name
       WHERE t.constraint_type = 'CHECK' AND t.table_schema = OURS""",
    "SELECT DISTINCT table_name, index_name FROM information_schema.statistics WHERE table_schema = OURS",
)

CATALOGUES: dict[str, tuple[str, ...]] = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL, "mysql": _MYSQL}


def catalogue(family: str, namespace: str | None) -> tuple[str, ...]:
    """The seven statements about one schema of the database, or about the tables that are found without naming one."""
    texts = CATALOGUES[family]
    quoted = None if namespace is None else "'" + namespace.replace("'", "''") + "'"
    if family == "postgresql":
        there = f"c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = {quoted})"  # noqa: S608
        return tuple(text.replace("ARE_OURS", there if quoted else _VISIBLE) for text in texts)
    return tuple(text.replace("OURS", quoted or "database()") for text in texts)
