from __future__ import annotations

from datetime import date
from decimal import Decimal

from holdall import Holdall, LinkTable, Many, Model, Ref, back, field


class Album(Model, table="Album"):
    album_id: int = field(column="AlbumId", pk=True, generated=True)
    title: str = field(column="Title", length=(0, 100))
    class_: str | None = field(default=None, column="class", length=(0, 100))
    field_2nd: date | None = field(default=None, column="2nd")
    artist: Ref[Artist] = field(column="ArtistId")
    tracks: Many[Track] = back("album")


class Artist(Model, table="Artist"):
    artist_id: int = field(column="ArtistId", pk=True, generated=True)
    name_in_full: str = field(column="Name, in full", unique=True, length=(0, 100))
    albums: Many[Album] = back("artist")


class Playlist(Model, table="Playlist"):
    playlist_id: int = field(column="PlaylistId", pk=True, generated=True)
    name: str = field(column="Name", length=(0, 100))
    tracks: Many[Track] = field(
        default=(),
        link=LinkTable("PlaylistTrack", owner=("PlaylistId",), target=("TrackId",), position="position"),
    )


# column odd is geometry, which no field fits, and left out
class Track(Model, table="Track", unique=[("name", "album")]):
    track_id: int = field(column="TrackId", pk=True, generated=True)
    name: str = field(column="Name", length=(0, 100))
    album: Ref[Album | None] = field(default=None, column="AlbumId")
    price: Decimal = field(digits=10, places=2)
    playlists: Many[Playlist] = back("tracks")


class Box(Model):
    id: int = field(pk=True, generated=True)
    shelf: Ref[Shelf | None] = field(default=None, column=("shelf_room", "shelf_number"))


# it has no key that a field could be, and is only read
class Logs(Model, read_only=True):
    line: str | None = field(default=None, length=(0, 100))


# it is a view, and only read
class Names(Model, read_only=True):
    line: str | None = field(default=None, length=(0, 100))


class Shelf(Model):
    room: str = field(pk=True, length=(0, 100))
    number: int = field(pk=True)
    boxes: Many[Box] = back("shelf")


app = Holdall("shop")
app.add_store("main", "sqlite:///shop.db")
app.add(Album, Artist, Playlist, Track, Box, Logs, Names, Shelf, store="main")
