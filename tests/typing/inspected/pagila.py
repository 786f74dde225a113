from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from holdall import Holdall, LinkTable, Many, Model, Ref, back, field


class Actor(Model):
    actor_id: int = field(pk=True, generated=True)
    first_name: str = field(length=(0, 45))
    last_name: str = field(length=(0, 45))
    last_update: datetime = field(server_computed=True)
    film_actors: Many[FilmActor] = back("actor")


# it is a view, and only read
class ActorInfo(Model, read_only=True):
    actor_id: int | None = None
    first_name: str | None = field(default=None, length=(0, 45))
    last_name: str | None = field(default=None, length=(0, 45))
    films: int | None = None


class Address(Model):
    address_id: int = field(pk=True, generated=True)
    address: str = field(length=(0, 50))
    address2: str | None = field(default=None, length=(0, 50))
    district: str = field(length=(0, 20))
    city: Ref[City] = field(column="city_id")
    postal_code: str | None = field(default=None, length=(0, 10))
    phone: str = field(length=(0, 20))
    last_update: datetime = field(server_computed=True)
    customers: Many[Customer] = back("address")
    staffs: Many[Staff] = back("address")
    stores: Many[Store] = back("address")


class Category(Model):
    category_id: int = field(pk=True, generated=True)
    name: str = field(length=(0, 25))
    last_update: datetime = field(server_computed=True)
    films: Many[Film] = back("categories")


class City(Model):
    city_id: int = field(pk=True, generated=True)
    city: str = field(length=(0, 50))
    country_id: int
    last_update: datetime = field(server_computed=True)
    addresses: Many[Address] = back("city")


class Country(Model):
    country_id: int = field(pk=True, generated=True)
    country: str = field(length=(0, 50))
    last_update: datetime = field(server_computed=True)


class Customer(Model):
    customer_id: int = field(pk=True, generated=True)
    store: Ref[Store] = field(column="store_id")
    first_name: str = field(length=(0, 45))
    last_name: str = field(length=(0, 45))
    email: str | None = field(default=None, length=(0, 50))
    address: Ref[Address] = field(column="address_id")
    activebool: bool = field(server_default=True, default=None)
    create_date: date = field(server_default=True, default=None)
    last_update: datetime = field(server_computed=True)
    active: int | None = None
    rentals: Many[Rental] = back("customer")


# column fulltext is tsvector, which no field fits, and left out
class Film(Model):
    film_id: int = field(pk=True, generated=True)
    title: str = field(length=(0, 255))
    description: str | None = None
    release_year: int | None = None
    language: Ref[Language] = field(column="language_id")
    original_language: Ref[Language | None] = field(default=None, column="original_language_id")
    rental_duration: int = field(server_default=True, default=None)
    rental_rate: Decimal = field(server_default=True, default=None, digits=4, places=2)
    length: int | None = None
    replacement_cost: Decimal = field(server_default=True, default=None, digits=5, places=2)
    rating: Literal["G", "PG", "PG-13", "R", "NC-17"] | None = None
    last_update: datetime = field(server_computed=True)
    special_features: list[str] | None = None
    categories: frozenset[Ref[Category]] = field(
        default=(),
        link=LinkTable("film_category", owner=("film_id",), target=("category_id",)),
    )
    film_actors: Many[FilmActor] = back("film")
    inventories: Many[Inventory] = back("film")


class FilmActor(Model):
    actor: Ref[Actor] = field(column="actor_id", pk=True)
    film: Ref[Film] = field(column="film_id", pk=True)
    last_update: datetime = field(server_computed=True)


class Inventory(Model):
    inventory_id: int = field(pk=True, generated=True)
    film: Ref[Film] = field(column="film_id")
    store: Ref[Store] = field(column="store_id")
    last_update: datetime = field(server_computed=True)
    rentals: Many[Rental] = back("inventory")


class Language(Model):
    language_id: int = field(pk=True, generated=True)
    name: str = field(length=(0, 20))
    last_update: datetime = field(server_computed=True)
    films: Many[Film] = back("language")
    films_2: Many[Film] = back("original_language")


class Payment(Model):
    payment_id: int = field(pk=True)
    customer_id: int
    staff_id: int
    rental_id: int
    amount: Decimal = field(digits=5, places=2)
    payment_date: datetime = field(pk=True)


class Rental(Model, unique=[("rental_date", "inventory", "customer")]):
    rental_id: int = field(pk=True, generated=True)
    rental_date: datetime
    inventory: Ref[Inventory] = field(column="inventory_id")
    customer: Ref[Customer] = field(column="customer_id")
    return_date: datetime | None = None
    staff: Ref[Staff] = field(column="staff_id")
    last_update: datetime = field(server_computed=True)


# it is a view, and only read
class RentalByCategory(Model, read_only=True):
    category: str | None = field(default=None, length=(0, 25))
    total_sales: Decimal | None = field(default=None, digits=5, places=2)


class Staff(Model):
    staff_id: int = field(pk=True, generated=True)
    first_name: str = field(length=(0, 45))
    last_name: str = field(length=(0, 45))
    address: Ref[Address] = field(column="address_id")
    email: str | None = field(default=None, length=(0, 50))
    store: Ref[Store] = field(column="store_id")
    active: bool = field(server_default=True, default=None)
    username: str = field(length=(0, 16))
    password: str | None = field(default=None, length=(0, 40))
    last_update: datetime = field(server_computed=True)
    picture: bytes | None = None
    rentals: Many[Rental] = back("staff")
    stores: Many[Store] = back("manager_staff")


class Store(Model):
    store_id: int = field(pk=True, generated=True)
    manager_staff: Ref[Staff] = field(column="manager_staff_id")
    address: Ref[Address] = field(column="address_id")
    last_update: datetime = field(server_computed=True)
    customers: Many[Customer] = back("store")
    inventories: Many[Inventory] = back("store")
    staffs: Many[Staff] = back("store")


# payment_p2022_01 is left out:
#   it is a part of another table


# payment_p2022_02 is left out:
#   it is a part of another table


app = Holdall("pagila")
app.add_store("main", "postgresql://")
app.add(
    Actor,
    ActorInfo,
    Address,
    Category,
    City,
    Country,
    Customer,
    Film,
    FilmActor,
    Inventory,
    Language,
    Payment,
    Rental,
    RentalByCategory,
    Staff,
    Store,
    store="main",
)
