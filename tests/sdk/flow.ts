// One flow with the client that openapi-typescript generates: create, list pages, update, delete, an error.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

const [base, token] = process.argv.slice(2);
assert(base && token, "usage: flow.js BASE TOKEN");
const client = createClient<paths>({ baseUrl: base, headers: { Authorization: `Bearer ${token}` } });

const contact = await client.POST("/api/contacts", { body: { first_name: "Leslie", last_name: "Knope" } });
assert.equal(contact.response.status, 201);
const contact_id: number = contact.data!.data.id;

const ids: number[] = [];
for (const day of ["2018-02-02", "2018-02-03", "2018-02-04"]) {
  const created = await client.POST("/api/calls", { body: { content: "He called", contact_id, called_at: day } });
  assert.equal(created.response.status, 201);
  ids.push(created.data!.data.id);
}

const listed: components["schemas"]["Call"][] = [];
for (let page = 1; ; page++) {
  const { data } = await client.GET("/api/contacts/{id}/calls", {
    params: { path: { id: contact_id }, query: { limit: 2, page } },
  });
  listed.push(...data!.data);
  if (data!.links.next === null) break;
}
assert.deepEqual(listed.map((call) => call.id), [...ids].reverse());

const path = { id: ids[0]! };
const found = await client.GET("/api/calls/{id}", { params: { path } });
const etag = found.response.headers.get("etag")!;
const body = { content: "We talked", contact_id, called_at: "2018-02-02" };
const header = { "If-Match": etag };
const updated = await client.PUT("/api/calls/{id}", { params: { path, header }, body });
assert.equal(updated.data!.data.content, "We talked");
const outdated = await client.PUT("/api/calls/{id}", { params: { path, header }, body });
assert.equal(outdated.response.status, 412);
assert.equal(outdated.error!.error.error_code, 48);

const deleted = await client.DELETE("/api/calls/{id}", { params: { path } });
assert.deepEqual(deleted.data, { deleted: true, id: path.id });
const missing = await client.GET("/api/calls/{id}", { params: { path } });
assert.equal(missing.error!.error.error_code, 31);
console.log("TypeScript: ok");
