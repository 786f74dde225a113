// The data provider of react-admin, as it is published, over a view that speaks its dialect.
import assert from "node:assert/strict";
import simpleRest from "ra-data-simple-rest";

const provider = simpleRest(process.argv[2]);
const list = { pagination: { page: 1, perPage: 2 }, sort: { field: "name", order: "ASC" }, filter: {} };

for (const name of ["c", "a", "b"]) {
  const { data } = await provider.create("articles", { data: { name, price: "1.00" } });
  assert.equal(data.name, name);
}
const first = await provider.getList("articles", list);
assert.deepEqual([first.total, first.data.map((each) => each.name)], [3, ["a", "b"]]);
const second = await provider.getList("articles", { ...list, pagination: { page: 2, perPage: 2 } });
assert.deepEqual(second.data.map((each) => each.name), ["c"]);
const found = await provider.getList("articles", { ...list, filter: { name: "b" } });
assert.equal(found.total, 1);

const ids = first.data.map((each) => each.id);
const one = await provider.getOne("articles", { id: ids[0] });
assert.equal(one.data.name, "a");
const many = await provider.getMany("articles", { ids });
assert.deepEqual(new Set(many.data.map((each) => each.name)), new Set(["a", "b"]));
const referring = await provider.getManyReference("articles", { ...list, target: "name", id: "c" });
assert.equal(referring.total, 1);

const changed = await provider.update("articles", { id: ids[0], data: { ...one.data, name: "d" }, previousData: one.data });
assert.equal(changed.data.name, "d");
await provider.updateMany("articles", { ids, data: { price: "2.00" } });
const both = await provider.getMany("articles", { ids });
assert.deepEqual(both.data.map((each) => Number(each.price)), [2, 2]);

await provider.delete("articles", { id: ids[0], previousData: one.data });
await provider.deleteMany("articles", { ids: [ids[1]] });
await assert.rejects(provider.getOne("articles", { id: ids[0] }), (error) => error.status === 404);
await assert.rejects(provider.create("articles", { data: { name: "" } }), (error) => error.status === 422);
assert.equal((await provider.getList("articles", list)).total, 1);
console.log("done");
