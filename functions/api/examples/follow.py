#!/usr/bin/env python3
"""Follows a log: follow.py http://127.0.0.1:8787 <key-file"""

import json
import sys
import time
import urllib.request

home, key = sys.argv[1], sys.stdin.readline().strip()
cursor = None
while True:
    query = f"after={cursor}" if cursor else "limit=100"
    headers = {"Authorization": f"Bearer {key}"}
    with urllib.request.urlopen(urllib.request.Request(f"{home}/api/log?{query}", headers=headers)) as answer:
        page = json.load(answer)
    for delivery in page["deliveries"]:
        request, response = delivery["request"], delivery["response"]
        print(delivery["seq"], request["method"], request["path"], "->", response["status"], flush=True)
    if page["cursor"] == cursor:
        time.sleep(1)
    cursor = page["cursor"]
