"""Tables that Django makes on SQLite for its auth and for a model of many types, and rows as Django writes them."""

from __future__ import annotations

__all__ = ["DJANGO", "DJANGO_ROWS"]

_KEY = '"id" integer NOT NULL PRIMARY KEY AUTOINCREMENT'


def _reference(name: str, table: str) -> str:
    return f'"{name}_id" integer NOT NULL REFERENCES "{table}" ("id") DEFERRABLE INITIALLY DEFERRED'


DJANGO: tuple[str, ...] = (
    f'CREATE TABLE "django_content_type" ({_KEY}, "app_label" varchar(100) NOT NULL, "model" varchar(100) NOT NULL)',
    """CREATE UNIQUE INDEX "django_content_type_app_label_model_76bd3d3b_uniq"
       ON "django_content_type" ("app_label", "model")""",
    f"""CREATE TABLE "auth_permission" ({_KEY}, {_reference("content_type", "django_content_type")},
        "codename" varchar(100) NOT NULL, "name" varchar(255) NOT NULL)""",
    f'CREATE TABLE "auth_group" ({_KEY}, "name" varchar(150) NOT NULL UNIQUE)',
    f"""CREATE TABLE "auth_group_permissions" ({_KEY}, {_reference("group", "auth_group")},
        {_reference("permission", "auth_permission")})""",
    """CREATE UNIQUE INDEX "auth_group_permissions_group_id_permission_id_0cd325b0_uniq"
       ON "auth_group_permissions" ("group_id", "permission_id")""",
    f"""CREATE TABLE "auth_user" ({_KEY}, "password" varchar(128) NOT NULL, "last_login" datetime NULL,
        "is_superuser" bool NOT NULL, "username" varchar(150) NOT NULL UNIQUE, "last_name" varchar(150) NOT NULL,
        "email" varchar(254) NOT NULL, "is_staff" bool NOT NULL, "is_active" bool NOT NULL,
        "date_joined" datetime NOT NULL, "first_name" varchar(150) NOT NULL)""",
    f"""CREATE TABLE "auth_user_groups" ({_KEY}, {_reference("user", "auth_user")},
        {_reference("group", "auth_group")})""",
    """CREATE UNIQUE INDEX "auth_user_groups_user_id_group_id_94350c0c_uniq"
       ON "auth_user_groups" ("user_id", "group_id")""",
    """CREATE TABLE "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY, "session_data" text NOT NULL,
       "expire_date" datetime NOT NULL)""",
    f"""CREATE TABLE "shop_order" ("id" char(32) NOT NULL PRIMARY KEY, "placed" datetime NOT NULL, "day" date NOT NULL,
        "at" time NOT NULL, "total" decimal NOT NULL, "took" bigint NOT NULL, "weight" real NOT NULL,
        "parcels" smallint unsigned NOT NULL CHECK ("parcels" >= 0), "paid" bool NOT NULL,
        "details" text NOT NULL CHECK ((JSON_VALID("details") OR "details" IS NULL)), "label" BLOB NOT NULL,
        "address" char(39) NULL, {_reference("user", "auth_user")})""",
)

DJANGO_ROWS: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("INSERT INTO auth_group VALUES (?, ?)", (1, "staff")),
    (
        "INSERT INTO auth_user VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (1, "pbkdf2_sha256$x", None, 0, "ann", "Lee", "ann@example.org", 1, 1, "2024-05-06 07:08:09", "Ann"),
    ),
    ("INSERT INTO auth_user_groups (user_id, group_id) VALUES (?, ?)", (1, 1)),
    (
        "INSERT INTO shop_order VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            "000102030405060708090a0b0c0d0e0f", "2024-05-06 07:08:09.250000", "2024-05-06", "07:08:09", "12.50",
            3_600_000_001, 0.5, 2, 1, '{"gift": true}', b"\x00\xff", "10.0.0.1", 1,
        ),
    ),
)  # fmt: skip
