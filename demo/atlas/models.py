"""The records of the atlas. Add a field here; README says what happens then."""

from __future__ import annotations

from holdall import File, Many, Model, Ref, back, computed, field, file

__all__ = ["City", "Continent", "Country"]


class Continent(Model, collection="continents"):
    """A continent, by its two letters."""

    code: str = field(pk=True, pattern=r"[A-Z]{2}")
    name: str = field(unique=True, length=(1, 50))
    population: int = field(ge=0)
    countries: Many[Country] = back("continent")


class Country(Model, collection="countries"):
    """A country or territory, by its two letters of ISO 3166-1."""

    code: str = field(pk=True, pattern=r"[A-Z]{2}")
    iso3: str = field(unique=True, pattern=r"[A-Z]{3}")
    name: str = field(unique=True, length=(1, 100))
    continent: Ref[Continent]
    capital: str | None = field(default=None)
    population: int = field(ge=0)
    area: int = field(ge=0, description="square kilometres")
    currency: str | None = field(default=None, pattern=r"[A-Z]{3}")
    currency_name: str | None = field(default=None)
    phone: str | None = field(default=None, description="calling code")
    domain: str | None = field(default=None, pattern=r"\.[a-z]{2,}")
    languages: tuple[str, ...] = field(default=(), description="most spoken first, as in RFC 5646")
    flag: File | None = file("pictures", types=["image/*"], max_size=1_000_000)
    neighbours: Many[Country] = field(default=())
    cities: Many[City] = back("country")

    @computed
    def density(self) -> float | None:
        """Inhabitants per square kilometre."""
        return round(self.population / self.area, 1) if self.area else None


class City(Model, collection="cities"):
    """A populated place, by its number at GeoNames."""

    id: int = field(pk=True, ge=1)
    name: str = field(index=True, length=(1, 200))
    alternate_names: tuple[str, ...] = field(default=())
    country: Ref[Country] = field(index=True)
    region: str | None = field(default=None, description="code of the first administrative level")
    latitude: float = field(ge=-90, le=90, description="degrees north")
    longitude: float = field(ge=-180, le=180, description="degrees east")
    population: int = field(ge=0, index=True)
    timezone: str = field(description="name in the IANA time zone database")
    version: int = field(version=True)
