"""The first flights by directus-py-sdk, as dictionaries, in pages of 1,000 by key."""

import json
import os
import sys
import time

from directus_py_sdk import DirectusClient

client = DirectusClient(url=os.environ["BENCH_URL"], token=os.environ["BENCH_TOKEN"])
for line in sys.stdin:
    wanted, rows, last = int(line), 0, 0
    begun = time.perf_counter()
    while rows < wanted:
        query = {"sort": "id", "limit": 1000, "filter": {"id": {"_gt": last}}}
        page = client.get_items("flights", {"query": query})
        if not page:
            break
        rows, last = rows + len(page), page[-1]["id"]
    sys.stdout.write(json.dumps({"rows": rows, "seconds": time.perf_counter() - begun}) + "\n")
    sys.stdout.flush()
