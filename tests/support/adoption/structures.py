"""Tables that others made of the same four columns: how keys are made, what is unique, what runs beside."""

from __future__ import annotations

from collections.abc import Mapping

from holdall.query import FieldSchema, Generated, Kind, Schema

__all__ = ["BOX", "STRUCTURES"]

BOX = Schema(
    "box",
    (
        FieldSchema("id", Kind.INT, generated=Generated.STORE),
        FieldSchema("name", Kind.STR),
        FieldSchema("code", Kind.STR, nullable=True, max_length=20),
        FieldSchema("size", Kind.INT, nullable=True),
    ),
    ("id",),
    unique=(("code",),),
)

_SQLITE = "CREATE TABLE box (id {}, name text NOT NULL, code varchar(20) {}, size integer{})"
_POSTGRESQL = 'CREATE TABLE box (id {}, name text COLLATE "C" NOT NULL, code varchar(20) COLLATE "C" {}, size bigint{})'
_TEXT = "CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
_MYSQL = (
    "CREATE TABLE box (id {}, name longtext " + _TEXT + " NOT NULL, code varchar(20) " + _TEXT + " {}, size bigint{})"
)
_COUNTED = {
    "sqlite": "integer PRIMARY KEY",
    "postgresql": "bigserial PRIMARY KEY",
    "mysql": "bigint AUTO_INCREMENT PRIMARY KEY",
}


def _with_key(template: str, *keys: str) -> dict[str, list[str]]:
    return {f"key {key}": [template.format(key, "UNIQUE", "")] for key in keys}


def _plain(template: str, family: str, unique: str = "UNIQUE", more: str = "") -> str:
    return template.format(_COUNTED[family], unique, more)


def _function(body: str, timing: str) -> list[str]:
    return [
        f"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$",
        f"CREATE TRIGGER tr {timing} ON box FOR EACH ROW EXECUTE FUNCTION f()",
    ]


STRUCTURES: Mapping[str, Mapping[str, list[str]]] = {
    "sqlite": {
        **_with_key(
            _SQLITE, "integer PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT", "int PRIMARY KEY",
            "bigint PRIMARY KEY", "integer PRIMARY KEY DESC", "integer NOT NULL PRIMARY KEY",
            "integer", "text PRIMARY KEY",
        ),
        "without rowid": [_SQLITE.format("integer PRIMARY KEY", "UNIQUE", "") + " WITHOUT ROWID"],
        "strict": [_SQLITE.replace("varchar(20)", "text").format("integer PRIMARY KEY", "UNIQUE", "") + " STRICT"],
        "key apart": [_SQLITE.format("integer", "UNIQUE", ", PRIMARY KEY (id)")],
        "key of two": [_SQLITE.format("integer", "UNIQUE", ", PRIMARY KEY (id, size)")],
        "unique without case": [_plain(_SQLITE, "sqlite", "COLLATE NOCASE UNIQUE")],
        "index without case": [_plain(_SQLITE, "sqlite", ""), "CREATE UNIQUE INDEX u ON box (code COLLATE NOCASE)"],
        "index": [_plain(_SQLITE, "sqlite", ""), "CREATE UNIQUE INDEX u ON box (code)"],
        "partial index": [_plain(_SQLITE, "sqlite", ""), "CREATE UNIQUE INDEX u ON box (code) WHERE size > 1"],
        "index of a call": [_plain(_SQLITE, "sqlite", ""), "CREATE UNIQUE INDEX u ON box (lower(code))"],
        "a reference to what is not there": [
            _plain(_SQLITE, "sqlite", more=", FOREIGN KEY (size) REFERENCES nowhere (id)")
        ],
        "a reference to a column that is not there": [
            "CREATE TABLE other (id integer PRIMARY KEY)",
            _plain(_SQLITE, "sqlite", more=", FOREIGN KEY (size) REFERENCES other (number)"),
        ],
        **{
            f"unique on conflict {clause}": [_plain(_SQLITE, "sqlite", f"UNIQUE ON CONFLICT {clause}")]
            for clause in ("replace", "Ignore", "FAIL", "rollback", "abort")
        },
        "key on conflict replace": [_SQLITE.format("integer PRIMARY KEY ON CONFLICT REPLACE", "UNIQUE", "")],
        "rule of the table on conflict replace": [
            _plain(_SQLITE, "sqlite", "", ", CONSTRAINT u UNIQUE (code) /* so */ ON CONFLICT REPLACE")
        ],
        "rule that the model does not know on conflict replace": [
            _plain(_SQLITE, "sqlite", more=", UNIQUE (name COLLATE binary, size) ON CONFLICT REPLACE")
        ],
        "not null on conflict replace": [
            _plain(_SQLITE, "sqlite", more=", more integer NOT NULL ON CONFLICT REPLACE DEFAULT 7")
        ],
        "a check on conflict ignore": [
           _plain(_SQLITE, "sqlite", more=", CONSTRAINT size_is_small CHECK (size < 10) ON CONFLICT IGNORE")
        ],
        "nothing unique": [_plain(_SQLITE, "sqlite", "")],
        "computed": [_plain(_SQLITE, "sqlite").replace("size integer", "size integer AS (length(name))")],
        "a default": [_plain(_SQLITE, "sqlite").replace("size integer", "size integer DEFAULT 7")],
        "more that is computed": [_plain(_SQLITE, "sqlite", more=", more integer NOT NULL AS (length(name)) STORED")],
        "more with a default": [_plain(_SQLITE, "sqlite", more=", more integer NOT NULL DEFAULT 7")],
        "more without": [_plain(_SQLITE, "sqlite", more=", more integer NOT NULL")],
        "a check": [_plain(_SQLITE, "sqlite", more=", CONSTRAINT size_is_small CHECK (size < 10)")],
        "trigger drops": [
            _plain(_SQLITE, "sqlite"),
            "CREATE TRIGGER tr BEFORE INSERT ON box WHEN NEW.size > 2 BEGIN SELECT RAISE(IGNORE); END",
        ],
        "trigger changes": [
            _plain(_SQLITE, "sqlite"),
            "CREATE TRIGGER tr AFTER INSERT ON box BEGIN UPDATE box SET name = upper(name) WHERE id = NEW.id; END",
        ],
        "trigger writes elsewhere": [
            _plain(_SQLITE, "sqlite"), "CREATE TABLE log (text)",
            "CREATE TRIGGER tr AFTER INSERT ON box BEGIN INSERT INTO log VALUES (NEW.name); END",
        ],
        "trigger of another table writes back": [
            _plain(_SQLITE, "sqlite"), "CREATE TABLE log (entry)",
            "CREATE TRIGGER tr AFTER INSERT ON box BEGIN INSERT INTO log VALUES (NEW.id); END",
            "CREATE TRIGGER back AFTER INSERT ON log BEGIN UPDATE box SET name = upper(name); END",
        ],
        "view": [
            _plain(_SQLITE, "sqlite").replace("box", "below"), "CREATE VIEW box AS SELECT * FROM below",
            "CREATE TRIGGER tr INSTEAD OF INSERT ON box BEGIN INSERT INTO below (name) VALUES (NEW.name); END",
        ],
    },
    "postgresql": {
        **_with_key(
            _POSTGRESQL, "bigserial PRIMARY KEY", "serial PRIMARY KEY", "bigint PRIMARY KEY",
            "integer DEFAULT 5 PRIMARY KEY",
            "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", "bigserial", "bigserial UNIQUE",
        ),
        "a sequence of nobody": [
            "CREATE SEQUENCE s", _POSTGRESQL.format("int PRIMARY KEY DEFAULT nextval('s')", "UNIQUE", ""),
        ],
        "a sequence with an end": [
            _POSTGRESQL.format("bigint GENERATED BY DEFAULT AS IDENTITY (MAXVALUE 900) PRIMARY KEY", "UNIQUE", "")
        ],
        "counted down": [
            _POSTGRESQL.format("bigint GENERATED BY DEFAULT AS IDENTITY (INCREMENT -1) PRIMARY KEY", "UNIQUE", "")
        ],
        "counted in circles": [
            _POSTGRESQL.format("bigint GENERATED BY DEFAULT AS IDENTITY (MAXVALUE 2 CYCLE) PRIMARY KEY", "UNIQUE", "")
        ],
        "more of a domain without null": [
            "CREATE DOMAIN given AS text NOT NULL", _plain(_POSTGRESQL, "postgresql", more=", more given"),
        ],
        "more of a domain with a default": [
            "CREATE DOMAIN given AS text NOT NULL DEFAULT 'x'", _plain(_POSTGRESQL, "postgresql", more=", more given"),
        ],
        "more of a domain of a domain without null": [
            "CREATE DOMAIN given AS text NOT NULL", "CREATE DOMAIN taken AS given", "CREATE DOMAIN had AS taken",
            _plain(_POSTGRESQL, "postgresql", more=", more had"),
        ],
        "more of a domain of a domain": [
            "CREATE DOMAIN given AS text", "CREATE DOMAIN taken AS given",
            _plain(_POSTGRESQL, "postgresql", more=", more taken"),
        ],
        "domains of domains": [
            "CREATE DOMAIN size AS bigint", "CREATE DOMAIN small AS size CHECK (VALUE < 2000000000000)",
            'CREATE DOMAIN words AS text COLLATE "C"', "CREATE DOMAIN label AS words",
            'CREATE DOMAIN short AS varchar(20) COLLATE "C"', "CREATE DOMAIN code AS short",
            "CREATE TABLE box (id bigserial PRIMARY KEY, name label NOT NULL, code code UNIQUE, size small)",
        ],
        "a domain of a domain without null": [
            "CREATE DOMAIN given AS bigint NOT NULL", "CREATE DOMAIN taken AS given",
            _plain(_POSTGRESQL, "postgresql").replace("size bigint", "size taken"),
        ],
        "nulls not distinct": [_plain(_POSTGRESQL, "postgresql", "UNIQUE NULLS NOT DISTINCT")],
        "deferred": [_plain(_POSTGRESQL, "postgresql", "UNIQUE DEFERRABLE INITIALLY DEFERRED")],
        "partial index": [_plain(_POSTGRESQL, "postgresql", ""), "CREATE UNIQUE INDEX u ON box (code) WHERE size > 1"],
        "index of a call": [_plain(_POSTGRESQL, "postgresql", ""), "CREATE UNIQUE INDEX u ON box (lower(code))"],
        "index": [_plain(_POSTGRESQL, "postgresql", ""), "CREATE UNIQUE INDEX u ON box (code) INCLUDE (size)"],
        "nothing unique": [_plain(_POSTGRESQL, "postgresql", "")],
        "computed": [
            _plain(_POSTGRESQL, "postgresql").replace("size bigint", "size bigint GENERATED ALWAYS AS (7) STORED")
        ],
        "more with a default": [_plain(_POSTGRESQL, "postgresql", more=", more integer NOT NULL DEFAULT 7")],
        "more without": [_plain(_POSTGRESQL, "postgresql", more=", more integer NOT NULL")],
        "a check": [_plain(_POSTGRESQL, "postgresql", more=", CONSTRAINT size_is_small CHECK (size < 10)")],
        "trigger changes": [
            _plain(_POSTGRESQL, "postgresql"),
            *_function("NEW.name := upper(NEW.name); RETURN NEW;", "BEFORE INSERT OR UPDATE"),
        ],
        "trigger changes what is not ours": [
            _plain(_POSTGRESQL, "postgresql", more=", changed timestamptz"),
            *_function("NEW.changed = now(); RETURN NEW;", "BEFORE INSERT OR UPDATE"),
        ],
        "trigger drops": [_plain(_POSTGRESQL, "postgresql"), *_function("RETURN NULL;", "BEFORE INSERT")],
        "trigger keeps": [_plain(_POSTGRESQL, "postgresql"), *_function("RETURN OLD;", "BEFORE UPDATE")],
        "trigger drops removals": [_plain(_POSTGRESQL, "postgresql"), *_function("RETURN NULL;", "BEFORE DELETE")],
        "trigger changes after": [
            _plain(_POSTGRESQL, "postgresql"),
            *_function("UPDATE box SET name = upper(name) WHERE id = NEW.id AND name <> upper(name); RETURN NULL;",
                       "AFTER INSERT"),
        ],
        "trigger writes elsewhere": [
            _plain(_POSTGRESQL, "postgresql"), "CREATE TABLE log (entry text)",
            *_function("INSERT INTO log VALUES (NEW.name); RETURN NULL;", "AFTER INSERT"),
        ],
        "rule": [_plain(_POSTGRESQL, "postgresql"), "CREATE RULE r AS ON DELETE TO box DO INSTEAD NOTHING"],
        "trigger selects into": [
            _plain(_POSTGRESQL, "postgresql"),
            *_function("DECLARE n int; BEGIN SELECT 1, upper(NEW.code) INTO n, NEW.code; END; RETURN NEW;",
                       "BEFORE INSERT"),
        ],
        "trigger calls": [
            _plain(_POSTGRESQL, "postgresql"),
            "CREATE FUNCTION g() RETURNS void LANGUAGE sql AS $$ UPDATE box SET name = upper(name) $$",
            "CREATE FUNCTION h() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM g(); END $$",
            *_function("PERFORM h(); RETURN NULL;", "AFTER INSERT"),
        ],
        "trigger executes": [
            _plain(_POSTGRESQL, "postgresql"),
            *_function("EXECUTE format('UPDATE %I SET name = upper(name)', 'box'); RETURN NULL;", "AFTER INSERT"),
        ],
        "trigger executes elsewhere": [
            _plain(_POSTGRESQL, "postgresql"), "CREATE TABLE log (entry text)",
            *_function("EXECUTE 'INSERT INTO log VALUES ($1)' USING NEW.name; RETURN NULL;", "AFTER INSERT"),
        ],
        "rule beside": [
            _plain(_POSTGRESQL, "postgresql"),
            "CREATE RULE r AS ON INSERT TO box DO ALSO UPDATE box SET name = upper(name)",
        ],
        "rule that writes elsewhere": [
            _plain(_POSTGRESQL, "postgresql"), "CREATE TABLE log (entry text)",
            "CREATE RULE r AS ON UPDATE TO box DO ALSO INSERT INTO log VALUES (new.name)",
        ],
        "view": [_plain(_POSTGRESQL, "postgresql").replace("box", "below"), "CREATE VIEW box AS SELECT * FROM below"],
        "parent": [_plain(_POSTGRESQL, "postgresql"), "CREATE TABLE child () INHERITS (box)"],
        "partitions": [
            _plain(_POSTGRESQL, "postgresql", "") + " PARTITION BY RANGE (id)",
            "CREATE TABLE one PARTITION OF box DEFAULT",
        ],
        "always": [_POSTGRESQL.format("bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "UNIQUE", "")],
    },
    "mysql": {
        **_with_key(
            _MYSQL, "bigint AUTO_INCREMENT PRIMARY KEY", "int unsigned AUTO_INCREMENT PRIMARY KEY",
            "bigint PRIMARY KEY",
            "bigint DEFAULT 5 PRIMARY KEY", "bigint AUTO_INCREMENT UNIQUE",
        ),
        "a sequence": [
            "CREATE OR REPLACE SEQUENCE sq", _MYSQL.format("bigint DEFAULT nextval(sq) PRIMARY KEY", "UNIQUE", ""),
        ],
        "MyISAM": [_plain(_MYSQL, "mysql") + " ENGINE = MyISAM"],
        "unique without case": [_plain(_MYSQL, "mysql").replace("nopad_bin UNIQUE", "general_ci UNIQUE")],
        "padded": [_plain(_MYSQL, "mysql").replace("utf8mb4_nopad_bin UNIQUE", "utf8mb4_bin UNIQUE")],
        "prefix": [_plain(_MYSQL, "mysql", ""), "CREATE UNIQUE INDEX u ON box (code(1))"],
        "nothing unique": [_plain(_MYSQL, "mysql", "")],
        "computed": [_plain(_MYSQL, "mysql").replace("size bigint", "size bigint AS (7) STORED")],
        "more with a default": [_plain(_MYSQL, "mysql", more=", more integer NOT NULL DEFAULT 7")],
        "more without": [_plain(_MYSQL, "mysql", more=", more integer NOT NULL")],
        "a check": [_plain(_MYSQL, "mysql", more=", CONSTRAINT size_is_small CHECK (size < 10)")],
        "trigger changes": [
            _plain(_MYSQL, "mysql"),
            "CREATE TRIGGER tr BEFORE INSERT ON box FOR EACH ROW SET NEW.name = upper(NEW.name)",
        ],
        "trigger changes what is not ours": [
            _plain(_MYSQL, "mysql", more=", changed datetime"),
            "CREATE TRIGGER tr BEFORE UPDATE ON box FOR EACH ROW SET NEW.changed = now()",
        ],
        "trigger writes elsewhere": [
            _plain(_MYSQL, "mysql"), "CREATE TABLE log (entry text)",
            "CREATE TRIGGER tr AFTER INSERT ON box FOR EACH ROW INSERT INTO log VALUES (NEW.name)",
        ],
        "view": [_plain(_MYSQL, "mysql").replace("box", "below"), "CREATE VIEW box AS SELECT * FROM below"],
    },
}  # fmt: skip
"""By database: a name, and the statements that make the table."""
