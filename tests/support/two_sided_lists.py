"""What is in lists on both sides, or on one: books with tags, and the people of a site."""

from __future__ import annotations

from holdall import Fill, Many, Model, Ref, back, field


class Book(Model):
    id: int = field(pk=True)
    tags: Many[Tag] = field(default=())


class Tag(Model):
    id: int = field(pk=True)
    books: Many[Book] = back("tags", fill=Fill.STORED)


class Site(Model):
    id: int = field(pk=True)
    users: Many[Person] = back("site", fill=Fill.STORED)


class Person(Model):
    id: int = field(pk=True, generated=True)
    site: Ref[Site]
