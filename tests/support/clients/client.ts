// A program over the types that openapi-typescript makes of the document: it compiles, and talks to the service.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Article = components["schemas"]["Article.Record"];
const client = createClient<paths>({ baseUrl: process.argv[2] });

const made = await client.POST("/articles", { body: { name: "Lamp", price: "3.50", tags: ["new"] } });
assert.equal(made.response.status, 201);
const lamp = made.data as Article;
assert.equal(lamp.name, "Lamp");

const refused = await client.POST("/articles", { body: { name: "" } });
assert.equal(refused.response.status, 422);
assert.equal(refused.error?.errors?.[0]?.path, "name");

const path = { key: lamp.id as number };
const listed = await client.GET("/articles", { params: { query: { name: "Lamp", sort: ["-id"], page_size: 5 } } });
const page = listed.data as components["schemas"]["Article.List"];
assert.equal(page.total_count, 1);
assert.equal(page.data[0]?.price, "3.50");

const changed = await client.PATCH("/articles/{key}", {
  params: { path, header: { "If-Match": made.response.headers.get("etag")! } },
  body: { price: 4 },
});
assert.equal(Number((changed.data as Article).price), 4);

const gone = await client.DELETE("/articles/{key}", { params: { path } });
assert.equal(gone.response.status, 204);
const absent = await client.GET("/articles/{key}", { params: { path } });
assert.equal(absent.response.status, 404);
assert.equal(absent.error?.type, "urn:holdall:not-found");
console.log("done");
