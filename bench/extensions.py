#!/usr/bin/env python3
"""Measures searches, filters, cursors and batches on a store of many calls of about 100 words each.

Usage: bench/extensions.py BINARY sqlite|postgres [--calls N] [--seconds N] [--dir DIR] [--reads-only]

PostgreSQL is started from its installed binaries. Prints a table in Markdown. wrk must be installed.
"""
import argparse
import concurrent.futures
import json
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse
import uuid

from harness import Server, with_store

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("binary")
parser.add_argument("store", choices=["sqlite", "postgres"])
parser.add_argument("--calls", type=int, default=1_000_000)
parser.add_argument("--seconds", type=int, default=5)
parser.add_argument("--dir", default=None, help="a folder that is kept, with the stores of earlier runs")
parser.add_argument("--reads-only", action="store_true", help="write nothing, so that the store stays as it is")
args = parser.parse_args()
BINARY = os.path.abspath(args.binary)
CONTACTS = 1_000
# The words `pa` and `pb` with a number are in one of 100 calls each, both in one of 10,000 calls. The words `ra` and
# `rb` with the same number are in the same calls, one of 10,000.
FIRST, SECOND = 100, 100


def sentences(rng):
    """Returns sentences of ten words of a vocabulary in which few words are frequent."""
    letters = "abcdefghijklmnopqrstuvwxyzéßø"
    words = ["".join(rng.choices(letters, k=rng.randint(3, 9))) for _ in range(20_000)]
    weights = [1 / (n + 10) for n in range(len(words))]
    return [" ".join(rng.choices(words, weights, k=10)) for _ in range(5_000)]


def content(rng, texts, n):
    frequent = f"pa{n % FIRST:02} pb{n // FIRST % SECOND:02}"
    rare = f"ra{n % (FIRST * SECOND):04} rb{n % (FIRST * SECOND):04}"
    return f"Common {frequent} {rare} " + ". ".join(rng.choices(texts, k=9)) + "."


def write_export(path, calls):
    """Writes an export of generated contacts and calls."""
    rng = random.Random(1)
    texts = sentences(rng)
    stamp = lambda seconds: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    with open(path, "w") as out:
        line = lambda **members: out.write(json.dumps(members, ensure_ascii=False) + "\n")
        line(type="header", format="callbook", version=1, content="export")
        ids = [str(uuid.UUID(int=n + 1)) for n in range(CONTACTS)]
        for n, id in enumerate(ids):
            line(type="contact", uuid=id, first_name=f"Contact{n}", is_starred=False, is_partial=False, is_active=True,
                 is_dead=False, created_at=stamp(0), updated_at=stamp(0))
        for n in range(calls):
            called_at = 1_400_000_000 + rng.randrange(300_000_000)
            line(type="call", uuid=str(uuid.UUID(int=(1 << 64) + n)), contact_uuid=ids[rng.randrange(CONTACTS)],
                 called_at=stamp(called_at), content=content(rng, texts, n), contact_called=rng.random() < .5,
                 answered=True, duration_seconds=rng.randrange(3_600), external_id=f"bench-{n}",
                 created_at=stamp(1_500_000_000 + n * 100), updated_at=stamp(1_500_000_000 + n * 100))
        line(type="end", contacts=CONTACTS, calls=calls)


def main():
    folder = args.dir or tempfile.mkdtemp(prefix="callbook-bench-")
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)
    export = f"{folder}/export-{args.calls}.ndjson"
    if not os.path.exists(export):
        write_export(export + ".part", args.calls)
        os.rename(export + ".part", export)
    try:
        with_store(args.store, folder, args.calls, lambda environment, postgres: run(environment, export, postgres))
    finally:
        if not args.dir:
            shutil.rmtree(folder)


def run(environment, export, postgres):
    server = Server(BINARY, environment)
    if server.request("/calls?limit=1")["meta"]["total"] < args.calls:
        begin = time.time()
        subprocess.run([BINARY, "import", export], check=True, env=server.environment, stdout=subprocess.DEVNULL)
        seconds = time.time() - begin
        print(f"import of {args.calls} calls: {seconds:.0f} s, {args.calls / seconds:.0f} calls/s", flush=True)
        if postgres:
            postgres.sql("VACUUM ANALYZE")
    rng = random.Random(2)
    quote = urllib.parse.quote

    def measure(name, paths, connections=4, **more):
        server.wrk([f"/api{path}" for path in paths], 1, connections, **more)
        rate, p99 = server.wrk([f"/api{path}" for path in paths], args.seconds, connections, **more)
        print(f"| {name} | {rate:.0f} | {p99:.1f} |", flush=True)

    print("| request | per second | p99 in ms |\n|---|--:|--:|")
    numbers = [rng.randrange(FIRST * SECOND) for _ in range(500)]
    rare = [f"/calls?query=ra{n:04}+rb{n:04}" for n in numbers]
    frequent = [f"/calls?query=pa{n % FIRST:02}+pb{n // FIRST:02}" for n in numbers]
    for pairs in rare, frequent:
        both, each = (server.request(path)["meta"]["total"] for path in [pairs[0], pairs[0].partition("+")[0]])
        measure(f"`query=` of two words of {each} calls each, {both} calls have both", pairs)
    last = 1_500_000_000 + args.calls * 100
    stamp = lambda seconds: quote(f"@{seconds}")
    measure("`updated_since`, 1 to 100 calls", [f"/calls?updated_since={stamp(last - 100 * n)}" for n in range(1, 101)])
    measure("`called_after`, up to 100 calls",
            [f"/calls?called_after={stamp(1_700_000_000 - 300 * n)}" for n in range(1, 101)])
    measure("`external_id`", [f"/calls?external_id=bench-{rng.randrange(args.calls)}" for _ in range(500)])
    measure("page 1 of all calls by cursor", ["/calls?cursor="])
    measure("page 1 of all calls by number", ["/calls"])
    page = server.request("/calls?limit=100&cursor=")
    deep = deep_cursor(server)
    measure("page 10,000 of all calls by cursor", [f"/calls?cursor={deep}"])

    # A word that every call has, alone and beside other requests.
    ids = [call["id"] for call in page["data"]]
    gets = [f"/calls/{id}" for id in ids]
    begin = time.time()
    total = server.request("/calls?query=common")["meta"]["total"]
    print(f"`query=common`, {total} calls found: {time.time() - begin:.2f} s")
    measure("GET one call", gets)
    measure("GET one call, a pause of 1 ms before each", gets, pause=1)
    stop = threading.Event()

    def search():
        while not stop.is_set():
            server.request("/calls?query=common")

    thread = threading.Thread(target=search)
    thread.start()
    measure("GET one call beside `query=common`", gets)
    measure("GET one call beside `query=common`, a pause of 1 ms before each", gets, pause=1)
    stop.set()
    thread.join()
    if args.reads_only:
        server.stop()
        return

    contact = server.request("/contacts?limit=1")["data"][0]["id"]
    texts = sentences(rng)
    call = lambda: {"contact_id": contact, "called_at": "2024-02-29", "content": content(rng, texts, rng.randrange(10**6))}
    bodies = [json.dumps(call()) for _ in range(500)]
    measure("POST of 100 words, 32 connections", ["/calls"], 32, bodies=bodies, method="POST")
    short = [json.dumps({**call(), "content": "He called, we had fun."})]
    measure("POST of 5 words, 32 connections", ["/calls"], 32, bodies=short, method="POST")
    puts = [f"/calls/{id}" for id in ids]
    measure("PUT of 100 words, 32 connections", puts, 32, bodies=bodies, method="PUT")
    # Each batch is of another contact, as batches of one contact wait for each other.
    contacts = [contact["id"] for contact in server.request("/contacts?limit=40")["data"]]
    stamp = time.time()
    batch = lambda id: [{**call(), "contact_id": id, "external_id": f"{stamp}-{id}-{i}"} for i in range(1_000)]
    batches = [json.dumps({"calls": batch(id)}).encode() for id in contacts]
    for name, outcome in [("new calls of 100 words", "created"), ("the same calls again", "unchanged")]:
        begin = time.time()
        with concurrent.futures.ThreadPoolExecutor(4) as connections:
            responses = list(connections.map(lambda body: server.send("/calls/batch", body), batches))
        rate = 1_000 * len(batches) / (time.time() - begin)
        assert all(f'"{outcome}":1000'.encode() in response for response in responses)
        print(f"batches of 1,000 calls, {name}: {rate:.0f} calls/s", flush=True)
    server.stop()


def deep_cursor(server):
    """Returns the cursor of page 10,000, made of a call at that place."""
    page = server.request("/calls?limit=10&page=9999")
    last = page["data"][-1]
    first = server.request("/calls?limit=1&cursor=")["meta"]["next_cursor"]
    seconds = int(time.mktime(time.strptime(last["called_at"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone)
    return first[:2] + f"{seconds:016x}{last['id']:016x}" + first[34:]


if __name__ == "__main__":
    main()
