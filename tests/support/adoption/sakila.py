"""A video rental of the shape of Sakila, for MariaDB as for MySQL and for SQLite: sets, years, unsigned numbers, times
that each change sets, views, triggers.
"""

from __future__ import annotations

__all__ = ["SAKILA_PROGRAM", "sakila"]

_UPDATED = "last_update TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP"
_END = " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
_MYSQL = (
    f"""CREATE TABLE actor (actor_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT, first_name VARCHAR(45) NOT NULL,
        last_name VARCHAR(45) NOT NULL, {_UPDATED}, PRIMARY KEY (actor_id),
        KEY idx_actor_last_name (last_name)){_END}""",
    f"""CREATE TABLE language (language_id TINYINT UNSIGNED NOT NULL AUTO_INCREMENT, name CHAR(20) NOT NULL, {_UPDATED},
        PRIMARY KEY (language_id)){_END}""",
    f"""CREATE TABLE film (film_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT, title VARCHAR(128) NOT NULL,
        description TEXT DEFAULT NULL, release_year YEAR DEFAULT NULL, language_id TINYINT UNSIGNED NOT NULL,
        rental_duration TINYINT UNSIGNED NOT NULL DEFAULT 3, rental_rate DECIMAL(4,2) NOT NULL DEFAULT 4.99,
        length SMALLINT UNSIGNED DEFAULT NULL, rating ENUM('G','PG','PG-13','R','NC-17') DEFAULT 'G',
        special_features SET('Trailers','Commentaries','Deleted Scenes','Behind the Scenes') DEFAULT NULL,
        is_new BIT(1) NOT NULL DEFAULT b'1', score FLOAT, place GEOMETRY, {_UPDATED}, PRIMARY KEY (film_id),
        CONSTRAINT fk_film_language FOREIGN KEY (language_id) REFERENCES language (language_id)){_END}""",
    f"""CREATE TABLE film_actor (actor_id SMALLINT UNSIGNED NOT NULL, film_id SMALLINT UNSIGNED NOT NULL, {_UPDATED},
        PRIMARY KEY (actor_id, film_id), FOREIGN KEY (actor_id) REFERENCES actor (actor_id),
        FOREIGN KEY (film_id) REFERENCES film (film_id)){_END}""",
    f"CREATE TABLE film_text (film_id SMALLINT NOT NULL, title VARCHAR(255) NOT NULL, PRIMARY KEY (film_id)){_END}",
    """CREATE TRIGGER ins_film AFTER INSERT ON film FOR EACH ROW
       INSERT INTO film_text (film_id, title) VALUES (new.film_id, new.title)""",
    """CREATE VIEW film_list AS SELECT f.film_id AS `FID`, f.title AS title, l.name AS language, f.rating AS rating
       FROM film AS f JOIN language AS l ON l.language_id = f.language_id""",
)
_STAMP = "last_update TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP"
_TOUCH = """CREATE TRIGGER {0}_trigger_au AFTER UPDATE ON {0} BEGIN
            UPDATE {0} SET last_update = DATETIME('NOW'){1} WHERE rowid = new.rowid; END"""
_SQLITE = (
    f"""CREATE TABLE actor (actor_id INTEGER NOT NULL PRIMARY KEY, first_name VARCHAR(45) NOT NULL,
        last_name VARCHAR(45) NOT NULL, {_STAMP})""",
    f"CREATE TABLE language (language_id INTEGER NOT NULL PRIMARY KEY, name CHAR(20) NOT NULL, {_STAMP})",
    f"""CREATE TABLE film (film_id INTEGER NOT NULL PRIMARY KEY, title VARCHAR(128) NOT NULL,
        description BLOB SUB_TYPE TEXT DEFAULT NULL, release_year INTEGER DEFAULT NULL,
        language_id SMALLINT NOT NULL, rental_duration SMALLINT DEFAULT 3 NOT NULL,
        rental_rate DECIMAL(4,2) DEFAULT 4.99 NOT NULL, length SMALLINT DEFAULT NULL,
        rating VARCHAR(10) DEFAULT 'G', special_features VARCHAR(100) DEFAULT NULL, {_STAMP},
        CONSTRAINT CHECK_special_rating CHECK (rating IN ('G', 'PG', 'PG-13', 'R', 'NC-17')),
        FOREIGN KEY (language_id) REFERENCES language (language_id) ON DELETE NO ACTION ON UPDATE CASCADE)""",
    f"""CREATE TABLE film_actor (actor_id INT NOT NULL, film_id INT NOT NULL, {_STAMP}, PRIMARY KEY (actor_id, film_id),
        FOREIGN KEY (actor_id) REFERENCES actor (actor_id), FOREIGN KEY (film_id) REFERENCES film (film_id))""",
    *(_TOUCH.format(name, "") for name in ("actor", "language", "film", "film_actor")),
    """CREATE VIEW film_list AS SELECT f.film_id AS FID, f.title AS title, l.name AS language, f.rating AS rating
       FROM film AS f JOIN language AS l ON l.language_id = f.language_id""",
)


def sakila(family: str) -> list[str]:
    """The statements for a database of this family."""
    return list({"mysql": _MYSQL, "sqlite": _SQLITE}[family])


SAKILA_PROGRAM = """
import asyncio
from decimal import Decimal
from sakila import Actor, Film, FilmActor, FilmList, Language, app

async def main() -> None:
    await app.verify()
    async with app.session() as s:
        english = s.add(Language(name="English"))
        film = s.add(Film(title="ACADEMY DINOSAUR", language=english, rating="PG-13", release_year=2006, FEATURES))
        actor = s.add(Actor(first_name="PENELOPE", last_name="GUINESS"))
        await s.commit()
        assert (film.rental_duration, film.rental_rate) == (3, Decimal("4.99"))
        assert film.last_update is not None and actor.last_update is not None
        s.add(FilmActor(actor=actor, film=film))
        film.rental_rate = Decimal("0.99")
    async with app.session() as s:
        cheap = Film.where(Film.rating == "PG-13", Film.release_year == 2006, Film.rental_rate < Decimal(1))
        found = await s.one(cheap)
        assert found.language.key == english.language_id
        assert len(await s.query(FilmActor.where(FilmActor.film.title == "ACADEMY DINOSAUR"))) == 1
        row = await s.one(FilmList.where(FilmList.language == "English"))
        assert (row.fid, row.rating) == (found.film_id, "PG-13")
        MORE
    await app.close()
    print("well")

asyncio.run(main())
"""
"""Works with what ``holdall inspect`` writes into ``sakila.py``."""
