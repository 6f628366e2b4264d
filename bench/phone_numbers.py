#!/usr/bin/env python3
"""Measures look-ups by phone number in a store of many contacts with two numbers each, and imports of call logs.

Usage: bench/phone_numbers.py BINARY sqlite|postgres [--contacts N] [--calls N] [--seconds N] [--dir DIR]

PostgreSQL is started from its installed binaries. wrk must be installed.
"""
import argparse
import json
import os
import random
import shutil
import subprocess
import tempfile
import time
import urllib.parse
import uuid

from harness import Server, with_store

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("binary")
parser.add_argument("store", choices=["sqlite", "postgres"])
parser.add_argument("--contacts", type=int, default=1_000_000)
parser.add_argument("--calls", type=int, default=100_000)
parser.add_argument("--seconds", type=int, default=5)
parser.add_argument("--dir", default=None, help="a folder that is kept, with the stores of earlier runs")
args = parser.parse_args()
BINARY = os.path.abspath(args.binary)


def number(n):
    """Returns the national number of a contact."""
    return f"31{1_000_000 + n * 7919 % 8_999_999:07}"


def write_export(path):
    stamp = "2020-01-01T00:00:00Z"
    with open(path, "w") as out:
        line = lambda **members: out.write(json.dumps(members) + "\n")
        line(type="header", format="callbook", version=1, content="export")
        for n in range(args.contacts):
            fields = [{"kind": "Phone", "data": text, "created_at": stamp}
                      for text in [f"+41 {number(n)}", f"0{number(n + args.contacts)}"]]
            line(type="contact", uuid=str(uuid.UUID(int=n + 1)), first_name=f"Contact{n}", is_starred=False,
                 is_partial=False, is_active=True, is_dead=False, fields=fields, created_at=stamp, updated_at=stamp)
        line(type="end", contacts=args.contacts, calls=0)


def write_call_log(path, run):
    """Writes rows of Android's call log, of numbers that one contact each has."""
    rng = random.Random(run)
    with open(path, "w") as out:
        for n in range(args.calls):
            row = {"number": f"0041{number(rng.randrange(args.contacts))}", "type": rng.choice([1, 2, 3]),
                   "date": 1_700_000_000_000 + n * 1_000, "duration": rng.randrange(600)}
            out.write(json.dumps(row) + "\n")


def timed(command, environment):
    """Returns the seconds of a command and the most memory it had, in MiB."""
    begin = time.time()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, command
    return time.time() - begin, usage.ru_maxrss / 1024


def main():
    folder = args.dir or tempfile.mkdtemp(prefix="callbook-bench-")
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)
    try:
        with_store(args.store, folder, f"contacts-{args.contacts}", lambda environment, postgres: run(folder, environment, postgres))
    finally:
        if not args.dir:
            shutil.rmtree(folder)


def run(folder, environment, postgres):
    server = Server(BINARY, environment)
    if server.request("/contacts?limit=1")["meta"]["total"] < args.contacts:
        write_export(f"{folder}/contacts.ndjson")
        seconds, memory = timed([BINARY, "import", f"{folder}/contacts.ndjson"], server.environment)
        print(f"import of {args.contacts} contacts: {seconds:.0f} s, {memory:.0f} MiB", flush=True)
        if postgres:
            postgres.sql("VACUUM ANALYZE")
    rng = random.Random(2)
    quote = urllib.parse.quote
    texts = [rng.choice(["+41 {}", "0041{}", "0{}", "+41 (0){}"]).format(number(rng.randrange(args.contacts))) for _ in range(500)]
    assert server.request(f"/contacts?phone={quote(texts[0])}")["meta"]["total"] == 1
    print("| request | per second | p99 in ms |\n|---|--:|--:|")
    for name, path in [("`GET /contacts?phone=`", "/contacts?phone="), ("`GET /contacts?query=phone:`", "/contacts?query=phone:")]:
        paths = [f"/api{path}{quote(text)}" for text in texts]
        server.wrk(paths, 1)
        rate, p99 = server.wrk(paths, args.seconds)
        print(f"| {name} | {rate:.0f} | {p99:.1f} |", flush=True)
    server.stop()
    log = f"{folder}/calls.json"
    write_call_log(log, time.time())
    for name in ["import-calls", "import-calls again"]:
        seconds, memory = timed([BINARY, "import-calls", log, "--format", "android-json"], server.environment)
        print(f"{name}: {args.calls / seconds:.0f} calls/s, {memory:.0f} MiB", flush=True)
    server = Server(BINARY, environment)
    paths = [f"/api/calls?phone_number={quote(text)}" for text in texts]
    server.wrk(paths, 1)
    rate, p99 = server.wrk(paths, args.seconds)
    print(f"| `GET /calls?phone_number=` | {rate:.0f} | {p99:.1f} |", flush=True)
    server.stop()


if __name__ == "__main__":
    main()
