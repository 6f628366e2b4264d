"""What the benchmarks in Python share: temporary servers, and requests to them."""
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.request


class Postgres:
    """A server in a folder, which runs as another user if this one is root."""

    def __init__(self, folder, port=18732, copy_of=None):
        """Starts a server, or a standby if it is the copy of another one."""
        self.port = port
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.folder = folder
        self.as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if not os.path.exists(f"{folder}/PG_VERSION"):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            if self.as_user:
                shutil.chown(folder, "postgres")
            if copy_of:
                copy_of.run("pg_basebackup", "-h", "127.0.0.1", "-p", str(copy_of.port), "-U", "postgres", "-R", "-D", folder)
            else:
                self.run("initdb", "-D", folder, "--auth=trust", "-U", "postgres", "-E", "UTF8", "--locale=C")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c shared_buffers=512MB -c max_wal_size=4GB"
        self.run("pg_ctl", "-D", folder, "-o", options, "-l", f"{folder}/log", "-w", "start")

    def run(self, program, *arguments):
        command = [*self.as_user, f"{self.bin}/{program}", *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd="/").stdout

    def sql(self, text):
        return self.run("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-qAtc", text)

    def url(self, database="postgres"):
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def stop(self):
        self.run("pg_ctl", "-D", self.folder, "-m", "fast", "stop")


class PgBouncer:
    """PgBouncer in transaction mode on a Unix socket, before a server with an address in the format of libpq."""

    def __init__(self, folder, server):
        self.folder = folder
        os.makedirs(folder)
        with open(f"{folder}/pgbouncer.ini", "w") as settings:
            settings.write(f"[databases]\n* = {server}\n[pgbouncer]\nlisten_port = 6432\nunix_socket_dir = {folder}\n"
                           "auth_type = any\npool_mode = transaction\ndefault_pool_size = 20\nmax_client_conn = 200\n")
        user = "postgres" if os.geteuid() == 0 else None
        if user:
            shutil.chown(folder, user)
        program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        self.process = subprocess.Popen([program, "-q", f"{folder}/pgbouncer.ini"], cwd="/", user=user)
        while not os.path.exists(f"{folder}/.s.PGSQL.6432"):
            if self.process.poll() is not None:
                raise SystemExit("PgBouncer does not start")
            time.sleep(0.02)

    def url(self, database):
        return f"postgres://postgres@/{database}?host={self.folder}&port=6432"

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Server:
    """A running server with a token."""

    def __init__(self, binary, environment):
        self.environment = {**os.environ, **environment, "CALLBOOK_BIND": "127.0.0.1:0", "CALLBOOK_RATE_LIMIT_PER_MINUTE": "0",
                            "CALLBOOK_LOG": "warn", "CALLBOOK_TOKEN": "cb_" + "b" * 43}
        self.token = self.environment["CALLBOOK_TOKEN"]
        self.process = subprocess.Popen([binary, "serve"], stdout=subprocess.PIPE, text=True, env=self.environment)
        for text in self.process.stdout:
            if found := re.search(r"API +http://(.+)/api", text):
                self.address = found[1]
                break
        threading.Thread(target=lambda: [None for _ in self.process.stdout], daemon=True).start()

    def request(self, path):
        return json.loads(self.send(path))

    def send(self, path, body=None):
        request = urllib.request.Request(f"http://{self.address}/api{path}", body)
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.read()

    def wrk(self, paths, seconds, connections=4, bodies=None, method="GET", pause=0):
        """Returns requests per second and the 99th percentile in milliseconds.

        Each connection pauses for that many milliseconds before a request.
        """
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            quoted = lambda items: ",".join(json.dumps(item, ensure_ascii=False) for item in items)
            script.write(f"local paths = {{{quoted(paths)}}}\n")
            script.write(f"local bodies = {{{quoted(bodies or [])}}}\n")
            script.write(f"""
local n = 0
local headers = {{["Authorization"] = "Bearer {self.token}", ["Content-Type"] = "application/json"}}
function request()
  n = n + 1
  return wrk.format("{method}", paths[n % #paths + 1], headers, bodies[n % math.max(#bodies, 1) + 1])
end
{f"function delay() return {pause} end" if pause else ""}
function done(summary, latency)
  io.write(string.format("RESULT %f %f %d\\n", summary.requests / summary.duration * 1e6,
    latency:percentile(99) / 1e3, summary.errors.status))
end
""")
            script.flush()
            command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", script.name,
                       f"http://{self.address}"]
            text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        rate, p99, errors = re.search(r"RESULT ([\d.]+) ([\d.]+) (\d+)", text).groups()
        if int(errors):
            raise SystemExit(f"{errors} responses are errors: {paths[0]}")
        return float(rate), float(p99)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def with_store(store, folder, name, run):
    """Calls `run` with the environment of a server and, if it is PostgreSQL, the database server."""
    postgres = None
    if store == "postgres":
        postgres = Postgres(f"{folder}/pg-{name}")
        environment = {"DATABASE_URL": postgres.url()}
    else:
        environment = {"CALLBOOK_DATA_DIR": f"{folder}/sqlite-{name}"}
    try:
        run(environment, postgres)
    finally:
        if postgres:
            postgres.stop()
