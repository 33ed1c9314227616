// What a program does with the client that @hey-api/openapi-ts has generated; what comes of it is printed as JSON.
// `node use_client.js ADDRESS KEY PICTURE`

import { readFileSync } from "node:fs";
import { createClient } from "./client/client";
import * as lookalike from "./client";

const [address, key, path] = process.argv.slice(2) as [string, string, string];
const client = createClient({ baseUrl: address, auth: key, throwOnError: true });
const silent = createClient({ baseUrl: address, auth: key });
const data = readFileSync(path);
const encoded = data.toString("base64");
const file = new File([new Uint8Array(data)], "query.jpg", { type: "image/jpeg" });
const ITEM = "shelf 1/piece-021";
const FILTER = '{"label": ["label-1", "label-2"], "attributes": {"price": {"lt": 20}}}';
const filter: lookalike.FilterBody = { label: ["label-1", "label-2"], attributes: { price: { lt: 20 } } };
const ids = (answer: { hits: { id: string }[] }) => answer.hits.map((hit) => hit.id);

async function main() {
  const byForm = (await lookalike.searchByFile({ client, body: { file, k: 5 }, throwOnError: true })).data;
  const first = (await lookalike.search({ client, body: { id: ITEM, k: 5, filter }, throwOnError: true })).data;
  const cursor = first.next_cursor as string;
  const second = (await lookalike.search({ client, body: { cursor, k: 5, filter }, throwOnError: true })).data;
  const linked = (await lookalike.searchLink({ client, query: { id: ITEM, k: 10, filter: FILTER }, throwOnError: true })).data;
  const queries = [{ id: ITEM, k: 3 }, { image_base64: encoded, k: 3 }, { id: "nowhere" }];
  const several = (await lookalike.searchBatch({ client, body: { queries }, throwOnError: true })).data;

  const form = { file, id: "new/1", label: "added", attributes: '{"price": 3.5}' };
  const added = await lookalike.addItemByFile({ client, body: form, throwOnError: true });
  const asJson = await lookalike.addItem({ client, body: { image_base64: encoded, id: "new/2" }, throwOnError: true });
  const many = [{ image_base64: encoded, id: "new/3" }, { image_base64: encoded, id: "new/4" }, { image_base64: "AAAA" }];
  const batch = (await lookalike.addItems({ client, body: { items: many }, throwOnError: true })).data as lookalike.LinesAnswer;
  const changes = { label: null, attributes: { price: null, stock: 2 } };
  const described = (await lookalike.describeItem({ client, query: { id: "new/1" }, body: changes, throwOnError: true })).data;
  const replacement = { file, attributes: '{"stock": 7}' };
  const replaced = (await lookalike.replacePictureByFile({ client, query: { id: "new/2" }, body: replacement, throwOnError: true })).data;

  const listed: string[] = [];
  for (let next: string | null | undefined = undefined; next !== null; ) {
    const body: lookalike.ListBody = { order: "-created", limit: 25, ...(next === undefined ? {} : { cursor: next }) };
    const page: lookalike.ItemsAnswer = (await lookalike.listItemsByBody({ client, body, throwOnError: true })).data;
    listed.push(...page.items.map((item) => item.id));
    next = page.next_cursor;
  }
  const listedByLink: string[] = [];
  for (let next: string | null | undefined = undefined; next !== null; ) {
    const query = { filter: FILTER, limit: 4, ...(next === undefined ? {} : { cursor: next }) };
    const page: lookalike.ItemsAnswer = (await lookalike.listItems({ client, query, throwOnError: true })).data;
    listedByLink.push(...page.items.map((item) => item.id));
    next = page.next_cursor;
  }
  const facets = (await lookalike.listFacets({ client, query: { filter: FILTER }, throwOnError: true })).data;
  const thumbnail = await lookalike.getThumbnail({ client, query: { id: "new/1" }, parseAs: "arrayBuffer", throwOnError: true });
  const gone = (await lookalike.deleteItemsOfList({ client, body: { ids: ["new/2", "new/3", "new/4"] }, throwOnError: true })).data;
  const alone = await lookalike.deleteItem({ client, query: { id: "new/1" }, throwOnError: true });
  const missing = (await lookalike.getItem({ client: silent, query: { id: "new/1" } })).error as lookalike.Problem;

  console.log(JSON.stringify({
    "by file": ids(byForm),
    "by id": [...ids(first), ...ids(second)],
    "by link": ids(linked),
    several: several.answers.map((answer) => ("hits" in answer ? answer.hits.length : answer.code)),
    added: [added.response.status, added.data.label, added.data.attributes],
    "added as JSON": asJson.response.status,
    batch: batch.answers.map((answer) => answer.status),
    described: [described.label, described.attributes],
    replaced: replaced.attributes,
    listed,
    "listed by link": listedByLink,
    facets: facets.facets.map((facet) => facet.attribute).sort(),
    thumbnail: Buffer.from(thumbnail.data as unknown as ArrayBuffer).subarray(0, 4).toString(),
    deleted: [gone.deleted, alone.response.status, missing.code],
  }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
