#!/usr/bin/env python3
"""Packing a folder and sending it to S3: landfall beside `aws deploy push` and `zip -r` + `aws s3 cp`. See README.md.

Prints Markdown on standard output and what it is doing on standard error. All talk to landfall's simulator on loopback.
`aws deploy push` registers the revision behind the upload: that one call goes to a stub in this script.
"""

import argparse
import hashlib
import http.server
import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

from run import ROOT, TARGET, TOOLS, Simulator, environment, measured, say

AWSCLI = "awscli==1.46.3"
BUCKET, ACCOUNT = "demo-bucket", "111122223333"
PUSH = TARGET / "release" / "examples" / "push"
APPSPEC = "version: 0.0\nos: linux\nfiles:\n  - source: /\n    destination: /srv/demo\n"


def install():
    cargo = ["cargo", "build", "--release", "--locked", "-q"]
    say("building landfall (release)")
    packages = ["-p", "landfall-ec2-cfn", "-p", "landfall-simulator"]
    subprocess.run([*cargo, *packages, "--example", "push", "--example", "serve"], cwd=ROOT, check=True)
    if not (TOOLS / "bin" / "aws").exists():
        say(f"installing {AWSCLI}")
        subprocess.run([sys.executable, "-m", "venv", TOOLS], check=True)
        subprocess.run([TOOLS / "bin" / "pip", "install", "-q", AWSCLI], check=True)


class CodeDeploy(http.server.BaseHTTPRequestHandler):
    """Answers RegisterApplicationRevision, which has an empty answer, and nothing else."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        known = self.headers.get("x-amz-target", "").endswith(".RegisterApplicationRevision")
        body = b"{}" if known else b'{"__type":"UnknownOperationException"}'
        self.send_response(200 if known else 400)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def stub():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), CodeDeploy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def text_pool(chance, size):
    """Text as in sources: names of a vocabulary, common ones often, in lines."""
    words = ["".join(chance.choices("etaoinshrdlucmfwygpbvk_", k=chance.randint(2, 11))) for _ in range(6000)]
    # Summed up once: otherwise each line would do so.
    sums = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(words))))
    parts, length = [], 0
    while length < size:
        indent = "    " * chance.randint(0, 4)
        line = indent + " ".join(chance.choices(words, cum_weights=sums, k=chance.randint(2, 9))) + chance.choice(["\n", ";\n", " {\n", "(x, y)\n"])
        parts.append(line)
        length += len(line)
    return "".join(parts).encode()


def corpus(name, folder, scale):
    """The corpora of the plan, from a seed. A: many small text files; B: mixed files of 5 MB; C: incompressible; D: one
    large file that compresses to half."""
    chance = random.Random(f"landfall {name}")
    folder.mkdir(parents=True)
    (folder / "appspec.yml").write_text(APPSPEC)
    pool = text_pool(chance, 8_000_000)

    def text(size):
        at = chance.randrange(len(pool) - size) if size < len(pool) else 0
        return pool[at:at + size]

    def put(path, *pieces):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as out:
            for piece in pieces:
                out.write(piece)

    if name == "A":
        for number in range(int(40_000 * scale)):
            put(folder / f"d{number // 400:03}" / f"f{number:05}.txt", text(min(int(chance.expovariate(1 / 12_500)) + 1, 400_000)))
    elif name == "B":
        for number in range(max(int(200 * scale), 1)):
            pieces = [text(100_000) if chance.random() < 0.7 else chance.randbytes(100_000) for _ in range(50)]
            put(folder / f"b{number:03}.dat", *pieces)
    elif name == "C":
        for number in range(max(int(20 * scale), 1)):
            put(folder / f"c{number:02}.bin", *(chance.randbytes(1_000_000) for _ in range(100)))
    elif name == "D":
        pieces = (text(500_000) if chance.random() < 0.6 else chance.randbytes(500_000) for _ in range(int(4_000 * scale)))
        put(folder / "d.img", *pieces)


def size_of(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return len(files), sum(path.stat().st_size for path in files)


class Tool:
    def __init__(self, name, command, temp=False):
        self.name, self.command, self.temp = name, command, temp


def tools(url, codedeploy, temp):
    env = environment(url)
    cli = environment(url, AWS_ENDPOINT_URL_CODEDEPLOY=codedeploy, TMPDIR=str(temp))
    aws = str(TOOLS / "bin" / "aws")

    def landfall(*flags):
        return lambda folder, run: ([PUSH, "--source", folder, "--bucket", BUCKET, "--prefix", f"{run}/", "--account", ACCOUNT,
                                     "--run-id", run, *flags], env)

    def push(folder, run):
        return ([aws, "deploy", "push", "--application-name", "demo", "--s3-location", f"s3://{BUCKET}/{run}.zip",
                 "--source", folder], cli)

    def zip_and_copy(folder, run):
        archive = temp / f"{run}.zip"
        script = f'cd "{folder}" && zip -r -q "{archive}" . && "{aws}" s3 cp --quiet "{archive}" "s3://{BUCKET}/{run}.zip"; rc=$?; rm -f "{archive}"; exit $rc'
        return (["bash", "-c", script], cli)

    found = {
        "landfall": landfall(),
        "landfall, level 1": landfall("--level", "1"),
        "landfall, 1 thread": landfall("--threads", "1"),
        "aws deploy push": push,
    }
    if shutil.which("zip"):
        found["zip -r + aws s3 cp"] = zip_and_copy
    return found


class Watcher:
    """The most that lies in a folder for temporary files while something runs."""

    def __init__(self, folder):
        self.folder, self.most, self.over = folder, 0, threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not self.over.wait(0.02):
            self.most = max(self.most, sum(path.stat().st_blocks * 512 for path in self.folder.glob("*") if path.exists()))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def fetch(url, key, to):
    aws = str(TOOLS / "bin" / "aws")
    subprocess.run([aws, "s3", "cp", "--quiet", f"s3://{BUCKET}/{key}", to], env=environment(url), check=True)


def stored(url, prefix):
    aws = str(TOOLS / "bin" / "aws")
    listed = subprocess.run([aws, "s3api", "list-objects-v2", "--bucket", BUCKET, "--prefix", prefix], env=environment(url),
                            check=True, capture_output=True, text=True)
    return [(found["Key"], found["Size"]) for found in json.loads(listed.stdout).get("Contents", [])]


def tree_digest(folder):
    """Names, what may be executed, and contents."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            digest.update(f"{name}\0{bool(path.stat().st_mode & 0o111)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def gate(url, folder, key, temp):
    """unzip finds nothing wrong, and what comes out is what went in."""
    archive, out = temp / "gate.zip", temp / "gate"
    fetch(url, key, archive)
    subprocess.run(["unzip", "-tq", archive], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["unzip", "-q", archive, "-d", out], check=True)
    same = tree_digest(out) == tree_digest(folder)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    shutil.rmtree(out)
    archive.unlink()
    if not same:
        sys.exit(f"{key} is not what was packed")
    return digest


def compare(name, folder, server, codedeploy, temp, runs):
    files, size = size_of(folder)
    print(f"\n### {name}: {files:,} files, {size / 1e6:,.0f} MB\n", flush=True)
    commands = tools(server.url, codedeploy, temp)
    if name != "A":
        commands.pop("landfall, 1 thread"), commands.pop("landfall, level 1")
    usages, sizes, disk, digests = {}, {}, {}, set()
    for run in range(runs):
        for tool, command in commands.items():
            key = f"{name}-{abs(hash((tool, run, time.time_ns())))}"
            with Watcher(temp) as watcher:
                usage = measured(*command(folder, key))
            usages.setdefault(tool, []).append(usage)
            disk[tool] = max(disk.get(tool, 0), watcher.most)
            found = stored(server.url, key)
            sizes[tool] = found[0][1]
            if tool in ("landfall", "landfall, 1 thread"):
                digests.add(gate(server.url, folder, found[0][0], temp))
        say(f"{name}: run {run + 1} of {runs}")
    print("| tool | wall: median (least to most) | CPU | peak memory | temporary disk | archive | wall: of landfall's |")
    print("|---|---|---|---|---|---|---|")
    middle = {tool: statistics.median(usage.wall for usage in all) for tool, all in usages.items()}
    for tool, all in usages.items():
        walls = [usage.wall for usage in all]
        cpu = statistics.median(usage.cpu for usage in all)
        peak = max(usage.peak for usage in all)
        print(f"| {tool} | {middle[tool]:.2f} s ({min(walls):.2f} to {max(walls):.2f}) | {cpu:.2f} s | {peak / 1024:.0f} MiB | "
              f"{disk[tool] / 1e6:.0f} MB | {sizes[tool] / 1e6:.1f} MB | {middle[tool] / middle['landfall']:.1f} x |", flush=True)
    ratio = sizes["landfall"] / sizes["aws deploy push"]
    print(f"\nArchive: {ratio:.3f} times that of `aws deploy push`. `unzip -t` and the unpacked tree: good, {len(digests)} different "
          f"archive in {runs} runs and all numbers of threads.", flush=True)


def again(folder, server):
    """E and F: one file changed, and nothing changed."""
    print("\n### E and F: A once more\n")
    print("| run | wall | CPU | peak memory | outcome |\n|---|---|---|---|---|")
    env = environment(server.url)

    def push(label, run):
        command = [PUSH, "--source", folder, "--bucket", BUCKET, "--prefix", "again/", "--account", ACCOUNT, "--run-id", run]
        usage = measured(command, env)
        receipt = next(line for line in usage.output.splitlines() if line.startswith("receipt"))
        print(f"| {label} | {usage.wall:.2f} s | {usage.cpu:.2f} s | {usage.peak / 1024:.0f} MiB | {receipt.split(' ', 2)[2].split(': ')[-1]} |",
              flush=True)

    push("A, first", "again/1")
    push("F: unchanged", "again/2")
    (folder / "d000" / "f00000.txt").write_bytes(b"changed")
    push("E: one file changed", "again/3")


def killed(temp, megabytes):
    """SIGKILL in the middle of an upload, after a part of the time that the whole of it takes, and the second run."""
    print(f"\n### SIGKILL in the middle of an upload of {megabytes} MB\n", flush=True)
    folder, journal = temp / "killed", temp / "journal"
    folder.mkdir()
    (folder / "appspec.yml").write_text(APPSPEC)
    chance = random.Random("landfall killed")
    for number in range(megabytes // 10):
        (folder / f"{number:02}.bin").write_bytes(chance.randbytes(10_000_000))
    server = Simulator()
    env = environment(server.url)

    def push(prefix):
        return [PUSH, "--source", folder, "--bucket", BUCKET, "--prefix", f"{prefix}/", "--account", ACCOUNT, "--journal", journal,
                "--run-id", prefix]

    try:
        began = time.monotonic()
        subprocess.run(push("whole"), env=env, check=True, stdout=subprocess.DEVNULL)
        whole = time.monotonic() - began
        say(f"the whole upload takes {whole:.2f} s")
        for share in (0.5, 0.6, 0.7, 0.8, 0.4):
            prefix = f"killed-{share}"
            process = subprocess.Popen(push(prefix), env=env, stdout=subprocess.DEVNULL)
            time.sleep(whole * share)
            process.kill()
            process.wait()
            time.sleep(0.5)  # what the dead process had sent may still be on its way into the store
            there = in_parts(env, prefix)
            if there and process.returncode == -9:
                break
        else:
            sys.exit("no kill struck in the middle of the upload")
        second = subprocess.run(push(prefix), env=env, capture_output=True, text=True)
        if second.returncode != 0:
            sys.exit(second.stdout + second.stderr)
        total = stored(server.url, f"{prefix}/")[0][1]
        if in_parts(env, prefix):
            sys.exit("the second run has left an upload open")
        told = next(line for line in second.stdout.splitlines() if line.startswith("receipt")).split(": ", 1)[1]
        print(f"Archive {total / 1e6:.1f} MB. Killed (SIGKILL) with {there / 1e6:.1f} MB in S3. The second run: {told}; to be sent again at "
              f"the least {(total - there) / 1e6:.1f} MB.", flush=True)
    finally:
        server.stop()


def in_parts(env, prefix):
    """Bytes in parts of unfinished uploads below a prefix."""
    aws = str(TOOLS / "bin" / "aws")
    listed = subprocess.run([aws, "s3api", "list-multipart-uploads", "--bucket", BUCKET, "--prefix", prefix], env=env,
                            check=True, capture_output=True, text=True)
    uploads = json.loads(listed.stdout or "{}").get("Uploads", [])
    return sum(part["Size"] for upload in uploads for part in parts(env, upload))


def parts(env, upload):
    aws = str(TOOLS / "bin" / "aws")
    listed = subprocess.run([aws, "s3api", "list-parts", "--bucket", BUCKET, "--key", upload["Key"], "--upload-id", upload["UploadId"]],
                            env=env, capture_output=True, text=True)
    return json.loads(listed.stdout or "{}").get("Parts", [])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs of each tool")
    parser.add_argument("--scale", type=float, default=0.5, help="1 is the full size: A and B 500 MB and 1 GB, C and D 2 GB")
    parser.add_argument("--kill-megabytes", type=int, default=400, help="size of the upload that is killed")
    parser.add_argument("--only", default="ABCDEFK", help="letters of corpora; K is the kill")
    parser.add_argument("--no-build", action="store_true", help="take what was built and installed before")
    options = parser.parse_args()
    if not options.no_build:
        install()
    codedeploy = stub()
    with tempfile.TemporaryDirectory(prefix="bench-bundle-", dir=TARGET) as work:
        work = Path(work)
        print(f"Scale {options.scale}, {options.runs} runs, {os.cpu_count()} processors. Each tool in a process of its own, interleaved; the "
              "simulator that they send to shares the processors.")
        for name in "ABCD":
            if name not in options.only and not (name == "A" and set("EF") & set(options.only)):
                continue
            folder, temp = work / name, work / "temp"
            temp.mkdir(exist_ok=True)
            say(f"making corpus {name}")
            corpus(name, folder, options.scale)
            if name in options.only:
                server = Simulator()
                try:
                    compare(name, folder, server, codedeploy, temp, options.runs)
                finally:
                    server.stop()
            if name == "A" and set("EF") & set(options.only):
                server = Simulator()
                try:
                    again(folder, server)
                finally:
                    server.stop()
            shutil.rmtree(folder)
        if "K" in options.only:
            killed(work, options.kill_megabytes)


if __name__ == "__main__":
    main()
