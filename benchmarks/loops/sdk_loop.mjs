// The first flights by @directus/sdk, as objects, in pages of 1,000 by key.
import { createDirectus, readItems, rest, staticToken } from "@directus/sdk";
import { createInterface } from "node:readline";

const client = createDirectus(process.env.BENCH_URL).with(staticToken(process.env.BENCH_TOKEN)).with(rest());

for await (const line of createInterface({ input: process.stdin })) {
  const wanted = Number(line);
  let rows = 0, last = 0;
  const begun = performance.now();
  while (rows < wanted) {
    const page = await client.request(
      readItems("flights", { sort: ["id"], limit: 1000, filter: { id: { _gt: last } } }),
    );
    if (!page.length) break;
    rows += page.length;
    last = page.at(-1).id;
  }
  console.log(JSON.stringify({ rows, seconds: (performance.now() - begun) / 1000 }));
}
