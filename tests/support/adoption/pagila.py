"""A video rental on PostgreSQL, of the shape of Pagila: domains, enumerations, arrays, full text, views, partitions,
triggers, a second schema.
"""

from __future__ import annotations

__all__ = ["PAGILA", "PAGILA_PROGRAM"]

_LAST_UPDATE = "last_update timestamp without time zone DEFAULT now() NOT NULL"
_TOUCHED = (
    "actor", "address", "category", "city", "country", "customer", "film", "film_actor", "inventory", "language",
    "rental", "staff", "store",
)  # fmt: skip

PAGILA: tuple[str, ...] = (
    "CREATE TYPE mpaa_rating AS ENUM ('G', 'PG', 'PG-13', 'R', 'NC-17')",
    "CREATE DOMAIN year AS integer CONSTRAINT year_check CHECK (((VALUE >= 1901) AND (VALUE <= 2155)))",
    """CREATE FUNCTION last_updated() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN NEW.last_update = CURRENT_TIMESTAMP; RETURN NEW; END $$""",
    "CREATE SEQUENCE actor_actor_id_seq",
    f"""CREATE TABLE actor (actor_id integer DEFAULT nextval('actor_actor_id_seq'::regclass) PRIMARY KEY,
        first_name character varying(45) NOT NULL, last_name character varying(45) NOT NULL, {_LAST_UPDATE})""",
    "ALTER SEQUENCE actor_actor_id_seq OWNED BY actor.actor_id",
    f"CREATE TABLE category (category_id serial PRIMARY KEY, name character varying(25) NOT NULL, {_LAST_UPDATE})",
    f"CREATE TABLE country (country_id serial PRIMARY KEY, country character varying(50) NOT NULL, {_LAST_UPDATE})",
    f"""CREATE TABLE city (city_id serial PRIMARY KEY, city character varying(50) NOT NULL,
        country_id smallint NOT NULL, {_LAST_UPDATE})""",
    f"""CREATE TABLE address (address_id serial PRIMARY KEY, address character varying(50) NOT NULL,
        address2 character varying(50), district character varying(20) NOT NULL, city_id integer NOT NULL,
        postal_code character varying(10), phone character varying(20) NOT NULL, {_LAST_UPDATE},
        FOREIGN KEY (city_id) REFERENCES city ON UPDATE CASCADE ON DELETE RESTRICT)""",
    f"CREATE TABLE language (language_id serial PRIMARY KEY, name character(20) NOT NULL, {_LAST_UPDATE})",
    f"""CREATE TABLE film (film_id serial PRIMARY KEY, title character varying(255) NOT NULL, description text,
        release_year year, language_id integer NOT NULL REFERENCES language,
        original_language_id integer REFERENCES language, rental_duration smallint DEFAULT 3 NOT NULL,
        rental_rate numeric(4,2) DEFAULT 4.99 NOT NULL, length smallint,
        replacement_cost numeric(5,2) DEFAULT 19.99 NOT NULL, rating mpaa_rating DEFAULT 'G'::mpaa_rating,
        {_LAST_UPDATE}, special_features text[], fulltext tsvector NOT NULL)""",
    """CREATE TRIGGER film_fulltext_trigger BEFORE INSERT OR UPDATE ON film FOR EACH ROW EXECUTE FUNCTION
       tsvector_update_trigger('fulltext', 'pg_catalog.english', 'title', 'description')""",
    f"""CREATE TABLE film_actor (actor_id integer NOT NULL REFERENCES actor, film_id integer NOT NULL REFERENCES film,
        {_LAST_UPDATE}, PRIMARY KEY (actor_id, film_id))""",
    """CREATE TABLE film_category (film_id integer NOT NULL REFERENCES film,
       category_id integer NOT NULL REFERENCES category, PRIMARY KEY (film_id, category_id))""",
    f"""CREATE TABLE store (store_id serial PRIMARY KEY, manager_staff_id integer NOT NULL,
        address_id integer NOT NULL REFERENCES address, {_LAST_UPDATE})""",
    f"""CREATE TABLE staff (staff_id serial PRIMARY KEY, first_name character varying(45) NOT NULL,
        last_name character varying(45) NOT NULL, address_id integer NOT NULL REFERENCES address,
        email character varying(50), store_id integer NOT NULL REFERENCES store, active boolean DEFAULT true NOT NULL,
        username character varying(16) NOT NULL, password character varying(40), {_LAST_UPDATE}, picture bytea)""",
    """ALTER TABLE store ADD FOREIGN KEY (manager_staff_id) REFERENCES staff DEFERRABLE INITIALLY DEFERRED""",
    f"""CREATE TABLE customer (customer_id serial PRIMARY KEY, store_id integer NOT NULL REFERENCES store,
        first_name character varying(45) NOT NULL, last_name character varying(45) NOT NULL,
        email character varying(50), address_id integer NOT NULL REFERENCES address,
        activebool boolean DEFAULT true NOT NULL, create_date date DEFAULT ('now'::text)::date NOT NULL,
        {_LAST_UPDATE}, active integer)""",
    f"""CREATE TABLE inventory (inventory_id serial PRIMARY KEY, film_id integer NOT NULL REFERENCES film,
        store_id integer NOT NULL REFERENCES store, {_LAST_UPDATE})""",
    f"""CREATE TABLE rental (rental_id serial PRIMARY KEY, rental_date timestamp with time zone NOT NULL,
        inventory_id integer NOT NULL REFERENCES inventory, customer_id integer NOT NULL REFERENCES customer,
        return_date timestamp with time zone, staff_id integer NOT NULL REFERENCES staff, {_LAST_UPDATE},
        UNIQUE (rental_date, inventory_id, customer_id))""",
    """CREATE TABLE payment (payment_id integer NOT NULL, customer_id integer NOT NULL, staff_id integer NOT NULL,
       rental_id integer NOT NULL, amount numeric(5,2) NOT NULL, payment_date timestamp with time zone NOT NULL,
       PRIMARY KEY (payment_date, payment_id)) PARTITION BY RANGE (payment_date)""",
    "CREATE TABLE payment_p2022_01 PARTITION OF payment FOR VALUES FROM ('2022-01-01') TO ('2022-02-01')",
    "CREATE TABLE payment_p2022_02 PARTITION OF payment FOR VALUES FROM ('2022-02-01') TO ('2022-03-01')",
    *(
        f"CREATE TRIGGER last_updated BEFORE UPDATE ON {name} FOR EACH ROW EXECUTE FUNCTION last_updated()"
        for name in _TOUCHED
    ),
    """CREATE VIEW actor_info AS SELECT a.actor_id, a.first_name, a.last_name, count(fa.film_id) AS films
       FROM actor a LEFT JOIN film_actor fa USING (actor_id) GROUP BY a.actor_id, a.first_name, a.last_name""",
    """CREATE MATERIALIZED VIEW rental_by_category AS SELECT c.name AS category, 0.00::numeric(5,2) AS total_sales
       FROM category c WITH NO DATA""",
    'CREATE SCHEMA "Back Office"',
    """CREATE TABLE "Back Office"."Audit Log" ("Entry No." bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       "who?" inet NOT NULL, at timestamptz(3) DEFAULT now() NOT NULL, took interval, film_id integer
       REFERENCES public.film, payload jsonb)""",
    """CREATE TABLE "Back Office".import (line text)""",
)

PAGILA_PROGRAM = """
import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from pagila import Actor, ActorInfo, Film, FilmActor, Language, Payment, app

async def main() -> None:
    async with app.session() as s:
        english = s.add(Language(name="English"))
        film = s.add(Film(title="ACADEMY DINOSAUR", language=english, rating="PG-13", release_year=2006,
                          special_features=["Trailers", "Deleted Scenes"], categories=frozenset()))
        penelope = s.add(Actor(first_name="PENELOPE", last_name="GUINESS"))
        await s.commit()
        assert (film.rental_duration, film.rental_rate) == (3, Decimal("4.99"))
        before = penelope.last_update
        s.add(FilmActor(actor=penelope, film=film))
        penelope.last_name = "G."
        await s.commit()
        assert penelope.last_update > before
        s.add(Payment(payment_id=1, customer_id=1, staff_id=1, rental_id=1, amount=Decimal("2.99"),
                      payment_date=datetime(2022, 1, 24, 21, 40, tzinfo=UTC)))
    async with app.session() as s:
        found = await s.one(Film.where(Film.rating == "PG-13", Film.special_features == ["Trailers", "Deleted Scenes"],
                                       Film.language.name == "English"))
        assert found.title == "ACADEMY DINOSAUR"
        assert [each.title for each in await s.query(Film.where(Film.rating.in_(["G", "PG-13"])).sort(Film.rating))]
        info = await s.one(ActorInfo.where(ActorInfo.films == 1))
        assert (info.first_name, info.last_name) == ("PENELOPE", "G.")
        payment = await s.require(Payment, (1, datetime(2022, 1, 24, 21, 40, tzinfo=UTC)))
        payment.amount = Decimal("3.99")
        found.special_features = None
        found.rating = "R"
        await s.commit()
        await s.update(Film.where(Film.rating == "R"), rating="NC-17", special_features=["a,b"])
    async with app.session() as s:
        assert await s.count(Film.where(Film.rating == "NC-17", Film.special_features == ["a,b"])) == 1
        assert await s.count(Payment.where(Payment.amount > Decimal(3))) == 1
    await app.close()
    print("well")

asyncio.run(main())
"""
"""Works with what ``holdall inspect`` writes into ``pagila.py``."""
