#!/usr/bin/env python3
"""Compares one Callbook server on PostgreSQL, behind PgBouncer in transaction mode, with a synchronous standby, and on Citus.

Usage: bench/scaling.py BINARY [--citus-url URL] [--calls N] [--seconds N] [--rounds N] [--dir DIR]

The URL names a database on a coordinator of Citus that has the extension and its workers, and no tables. Without it,
Citus is not measured. PostgreSQL and PgBouncer are started from their installed binaries. wrk must be installed.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile

from harness import PgBouncer, Postgres, Server

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("binary")
parser.add_argument("--citus-url", default=None)
parser.add_argument("--calls", type=int, default=100_000, help="the calls of each account")
parser.add_argument("--seconds", type=int, default=4)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--dir", default=None, help="a folder for the stores, which are removed at the end")
args = parser.parse_args()
BINARY = os.path.abspath(args.binary)
ACCOUNTS, CONTACTS, CONNECTIONS = 4, 1_000, 32
WORKLOADS = {
    "get": "GET one call",
    "contact": "GET the first 10 calls of a contact",
    "page": "GET a random page of 100",
    "post": "POST a call",
    "put": "PUT a call",
}


class Layout:
    """A server on a filled store with several accounts."""

    def __init__(self, name, environment, distribute=False):
        self.name = name
        self.environment = {**os.environ, **environment, "CALLBOOK_LOG": "warn"}
        self.callbook("migrate", *(["--distribute"] if distribute else []))
        self.tokens = []
        for account in range(1, ACCOUNTS + 1):
            self.callbook("account", "create", f"Account {account}")
            self.callbook("demo", "--account", str(account), "--contacts", str(CONTACTS), "--calls", str(args.calls))
            self.tokens.append(self.callbook("token", "create", "--account", str(account)))
        self.server = Server(BINARY, environment)

    def callbook(self, *arguments):
        command = [BINARY, *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              env=self.environment).stdout.strip()

    def measure(self, workload, seed):
        """Returns the requests per second of all accounts, and the highest p99 in milliseconds."""
        runs = []
        for account, token in enumerate(self.tokens):
            environment = {**os.environ, "WORKLOAD": workload, "TOKEN": token, "CALLS": str(args.calls), "SEED": str(seed),
                           "CALLS_BEFORE": str(account * args.calls), "CONTACTS_BEFORE": str(account * CONTACTS)}
            command = ["wrk", "-t1", f"-c{CONNECTIONS // ACCOUNTS}", f"-d{args.seconds}s", "--timeout", "30s", "-s",
                       f"{os.path.dirname(os.path.abspath(__file__))}/load.lua", f"http://{self.server.address}"]
            runs.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))
        results = [json.loads(run.communicate()[0].splitlines()[-1]) for run in runs]
        if any(result["errors"] for result in results):
            raise SystemExit(f"{self.name}: {workload} has errors: {results}")
        return sum(result["requests"] / result["seconds"] for result in results), max(result["p99_ms"] for result in results)


def measure(layouts):
    header = " | ".join(f"{layout.name}: requests/s | p99, ms" for layout in layouts)
    print(f"| request | {header} |\n|---|{'--:|' * 2 * len(layouts)}")
    for workload, title in WORKLOADS.items():
        rounds = [[layout.measure(workload, n) for layout in layouts] for n in range(args.rounds)]
        cells = []
        for results in zip(*rounds):
            rates, latencies = zip(*results)
            cells += [f"{statistics.median(rates):,.0f}", f"{statistics.median(latencies):.1f}"]
        print(f"| {title} | {' | '.join(cells)} |", flush=True)


folder = tempfile.mkdtemp(dir=args.dir)
os.chmod(folder, 0o755)
stoppable = []
try:
    postgres = Postgres(f"{folder}/pg")
    stoppable.append(postgres)
    postgres.sql("CREATE DATABASE pooled")
    pooler = PgBouncer(f"{folder}/pgbouncer", f"host=127.0.0.1 port={postgres.port} user=postgres")
    stoppable.insert(0, pooler)
    primary = Postgres(f"{folder}/primary", postgres.port + 1)
    stoppable.append(primary)
    stoppable.insert(0, Postgres(f"{folder}/standby", postgres.port + 2, copy_of=primary))
    primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
    primary.sql("SELECT pg_reload_conf()")
    settings = [
        ("PostgreSQL", {"DATABASE_URL": postgres.url()}, False),
        ("PgBouncer", {"DATABASE_URL": pooler.url("pooled"), "CALLBOOK_POSTGRES_POOLER": "transaction"}, False),
        ("standby", {"DATABASE_URL": primary.url()}, False),
    ]
    if args.citus_url:
        settings.append(("Citus", {"DATABASE_URL": args.citus_url}, True))
    layouts = []
    for setting in settings:
        layouts.append(Layout(*setting))
        stoppable.insert(0, layouts[-1].server)
    for server, database in [(postgres, "postgres"), (postgres, "pooled"), (primary, "postgres")]:
        server.run("psql", "-qc", "VACUUM ANALYZE", server.url(database))
    measure(layouts)
finally:
    for process in stoppable:
        process.stop()
    shutil.rmtree(folder)
