"""The MongoDB store: collections of documents, native values, transactions where the deployment has them."""

from holdall.stores.mongo.collection import MongoCollection, UuidForm
from holdall.stores.mongo.opening import MongoOptions, open_mongo
from holdall.stores.mongo.store import MongoStore, StandaloneMongoStore

__all__ = ["MongoCollection", "MongoOptions", "MongoStore", "StandaloneMongoStore", "UuidForm", "open_mongo"]
