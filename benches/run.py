#!/usr/bin/env python3
"""Whole processes compared, and what it costs to watch many deployments. See README.md beside this file.

Prints Markdown tables on standard output and what it is doing on standard error.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
TOOLS = TARGET / "bench-tools"

# Pinned: figures of other versions are other figures.
PYTHON_TOOLS = ["awscli==1.46.3", "ecs-deploy==1.17.0", "ministack==1.5.33"]
ECSPRESSO = "github.com/kayac/ecspresso/v2/cmd/ecspresso@v2.8.7"

IMAGE = "registry.example.com/web"
REGION = "eu-central-1"
# The simulator's demonstration user; no real key.
KEY, SECRET = "AKIASIMULATOREXAMPLE", "simulator/not/a/secret/EXAMPLEKEY"

# The calls of GitLab's `ecs update-task-definition` and of the wait that was added to it later, made by the AWS CLI. The
# fields are those that the script copies. The pause is short, since the rollout is over at once.
GITLAB_CALLS = r"""
set -euo pipefail
aws() { "$AWS" --output json "$@"; }
definition=$(aws ecs describe-task-definition --task-definition "$FAMILY")
input=$(printf %s "$definition" | "$PYTHON" -c '
import json, os, sys
old = json.load(sys.stdin)["taskDefinition"]
kept = ("containerDefinitions taskRoleArn executionRoleArn networkMode cpu memory pidMode ipcMode proxyConfiguration "
        "volumes placementConstraints requiresCompatibilities inferenceAccelerators").split()
new = {"family": os.environ["FAMILY"], **{name: old[name] for name in kept if old.get(name) is not None}}
new["containerDefinitions"][0]["image"] = os.environ["WANTED"]
print(json.dumps(new))')
revision=$(aws ecs register-task-definition --cli-input-json "$input" --query taskDefinition.taskDefinitionArn --output text)
aws ecs describe-services --cluster "$CLUSTER" --services "$SERVICE" --query 'services[0].desiredCount' > /dev/null
aws ecs update-service --cluster "$CLUSTER" --service "$SERVICE" --task-definition "$revision" > /dev/null
until [ "$(aws ecs describe-services --cluster "$CLUSTER" --services "$SERVICE" \
  --query 'services[0].deployments[?status==`PRIMARY`].rolloutState | [0]' --output text)" = COMPLETED ]; do sleep 1; done
"""

ECSPRESSO_CONFIG = """\
region: {region}
cluster: demo
service: web
service_definition: service.json
task_definition: task.json
timeout: 2m
"""


def say(text):
    print(text, file=sys.stderr, flush=True)


def environment(url, **more):
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {
        **kept, "HOME": "/nonexistent", "AWS_ENDPOINT_URL": url, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_EC2_METADATA_DISABLED": "true", **more,
    }


class Usage:
    """Seconds, KiB and output of one process and all that it waited for."""

    def __init__(self, wall, cpu, peak, output):
        self.wall, self.cpu, self.peak, self.output = wall, cpu, peak, output


# Starts its arguments and tells seconds, seconds of CPU, KiB and the exit code. The kernel counts what a process had before
# exec into its peak, so the parent must be smaller than what is measured: this one has about 9 MiB, and this script more.
LAUNCH = """
import os, sys, time
began, child = time.monotonic(), os.fork()
if not child:
    os.execvp(sys.argv[2], sys.argv[2:])
_, status, used = os.wait4(child, 0)
wall = time.monotonic() - began
told = f"{wall} {used.ru_utime + used.ru_stime} {used.ru_maxrss} {os.waitstatus_to_exitcode(status)}"
os.write(int(sys.argv[1]), told.encode())
"""


def measured(command, env):
    """Runs to the end; the usage is that of the kernel (wait4), the peak that of the largest process."""
    read, write = os.pipe()
    process = subprocess.run([sys.executable, "-I", "-S", "-c", LAUNCH, str(write), *map(str, command)], env=env,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             pass_fds=[write])
    os.close(write)
    with os.fdopen(read) as told:
        wall, cpu, peak, code = map(float, told.read().split())
    if code != 0:
        sys.exit(f"{command[0]} ended with {code:.0f}:\n{process.stdout}")
    return Usage(wall, cpu, peak, process.stdout)


class Simulator:
    """landfall's own simulator, in a process of its own."""

    name = "landfall's simulator"

    def __init__(self, *flags):
        server = TARGET / "release" / "examples" / "serve"
        self.process = subprocess.Popen([server, *map(str, flags)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.url = self.process.stdout.readline().strip()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)


class MiniStack:
    """An independent server, on a free port."""

    name = "MiniStack 1.5.33"

    def __init__(self):
        import socket
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        env = {**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
        self.process = subprocess.Popen([TOOLS / "bin" / "ministack"], env=env, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{port}"
        self.prepare()

    def prepare(self):
        definition = {
            "family": "web", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256",
            "memory": "512", "containerDefinitions": [{"name": "web", "image": f"{IMAGE}:1", "essential": True}],
        }
        network = "awsvpcConfiguration={subnets=[subnet-0aaaaaaaaaaaaaaaa]}"
        steps = [
            ["create-cluster", "--cluster-name", "demo"],
            ["register-task-definition", "--cli-input-json", json.dumps(definition)],
            ["create-service", "--cluster", "demo", "--service-name", "web", "--task-definition", "web",
             "--desired-count", "1", "--launch-type", "FARGATE", "--network-configuration", network],
        ]
        for step in steps:
            for _ in range(30):
                done = subprocess.run([TOOLS / "bin" / "aws", "ecs", *step], env=environment(self.url),
                                      stdin=subprocess.DEVNULL, capture_output=True, text=True)
                if done.returncode == 0:
                    break
                time.sleep(0.5)
            else:
                raise RuntimeError(f"MiniStack refuses {step[0]}: {done.stderr}")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


def install():
    """Builds landfall and installs the others; says what is missing."""
    missing = {}
    say("building landfall (release)")
    cargo = ["cargo", "build", "--release", "--locked", "-q"]
    subprocess.run([*cargo, "--example", "deploy"], cwd=ROOT, check=True)
    subprocess.run([*cargo, "-p", "landfall-simulator", "--example", "serve"], cwd=ROOT, check=True)
    if not (TOOLS / "bin" / "aws").exists() or not (TOOLS / "bin" / "ecs").exists():
        say("installing " + ", ".join(PYTHON_TOOLS))
        subprocess.run([sys.executable, "-m", "venv", TOOLS], check=True)
        for tool in PYTHON_TOOLS:
            done = subprocess.run([TOOLS / "bin" / "pip", "install", "-q", tool], capture_output=True, text=True)
            if done.returncode != 0:
                missing[tool] = done.stderr.strip().splitlines()[-1]
    if not (TOOLS / "bin" / "ecspresso").exists():
        if shutil.which("go") is None:
            missing["ecspresso"] = "there is no Go toolchain"
        else:
            say(f"go install {ECSPRESSO}")
            done = subprocess.run(["go", "install", ECSPRESSO], env={**os.environ, "GOBIN": str(TOOLS / "bin")},
                                  capture_output=True, text=True)
            if done.returncode != 0:
                why = [line for line in done.stderr.strip().splitlines() if line]
                missing["ecspresso"] = f"`go install {ECSPRESSO}` failed: " + re.sub(r"https?://\S+", "(URL)", why[-1])
    return missing


def ecspresso_files(url):
    """A configuration of what runs, made by ecspresso itself."""
    folder = TOOLS / "ecspresso"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    subprocess.run([TOOLS / "bin" / "ecspresso", "init", "--region", REGION, "--cluster", "demo", "--service", "web",
                    "--config", folder / "ecspresso.yml"], env=environment(url), check=True, capture_output=True)
    return folder


def tools(url):
    """Name and command of each tool; the command is given the tag to deploy."""
    bin = TOOLS / "bin"
    all = {
        "landfall": lambda tag: (
            [TARGET / "release" / "examples" / "deploy", "ecs", "--cluster", "demo", "--service", "web", "--image",
             f"web={IMAGE}:{tag}"], environment(url)),
        "AWS CLI 1.46.3, GitLab's calls": lambda tag: (
            ["bash", "-c", GITLAB_CALLS],
            environment(url, AWS=str(bin / "aws"), PYTHON=str(bin / "python"), FAMILY="web", CLUSTER="demo",
                        SERVICE="web", WANTED=f"{IMAGE}:{tag}")),
        "ecs-deploy 1.17.0": lambda tag: (
            [bin / "ecs", "deploy", "demo", "web", "--image", "web", f"{IMAGE}:{tag}", "--region", REGION,
             "--no-deregister", "--sleep-time", "1"], environment(url)),
    }
    if (bin / "ecspresso").exists():
        folder = ecspresso_files(url)

        def ecspresso(tag):
            file = next(folder.glob("*task-def*.json"))
            file.write_text(re.sub(re.escape(IMAGE) + r":[\w.]+", f"{IMAGE}:{tag}", file.read_text()))
            return [bin / "ecspresso", "deploy", "--config", folder / "ecspresso.yml"], environment(url)

        all["ecspresso 2.8.7"] = ecspresso
    return all


def compare(server, runs):
    """Interleaved, so that whatever else the machine does meets all of them alike."""
    commands = tools(server.url)
    usages = {name: [] for name in commands}
    for run in range(runs + 1):
        for name, command in commands.items():
            usage = measured(*command(f"{time.time_ns()}"))
            # The first run of each fills caches.
            if run > 0:
                usages[name].append(usage)
        say(f"{server.name}: run {run} of {runs}")
    print(f"\n### One deployment with an instant rollout, on {server.name}\n")
    print(f"Medians of {runs} interleaved runs; the ratio is the median of the ratios of neighbouring runs.\n")
    print("| tool | wall | CPU (user + system) | peak memory | CPU: landfall's part of it |")
    print("|---|---|---|---|---|")
    ours = usages["landfall"]
    for name, all in usages.items():
        middle = {part: statistics.median(getattr(usage, part) for usage in all) for part in ("wall", "cpu", "peak")}
        ratio = statistics.median(own.cpu / other.cpu for own, other in zip(ours, all))
        print(f"| {name} | {middle['wall']:.2f} s | {middle['cpu']:.3f} s | {middle['peak'] / 1024:.1f} MiB | "
              f"{ratio * 100:.1f} % |")


def poll():
    """Calls and lateness on a paused clock, then CPU and memory over HTTP in real time."""
    say("building the bench of polling")
    subprocess.run(["cargo", "bench", "--locked", "-q", "--bench", "poll", "--no-run"], cwd=ROOT, check=True)
    bench = ["cargo", "bench", "--locked", "-q", "--bench", "poll", "--"]
    print("\n### Watching many at once: calls and lateness (paused clock, calls of 40 ms)\n", flush=True)
    subprocess.run([part for part in bench if part != "--"], cwd=ROOT, check=True)
    found = sorted((TARGET / "release" / "deps").glob("poll-*"), key=lambda path: path.stat().st_mtime)
    binary = [path for path in found if os.access(path, os.X_OK) and not path.suffix][-1]
    print("\n### Watching many at once: CPU and memory (real time, over HTTP)\n")
    print("| deployments | wall | CPU | CPU a minute | peak memory |")
    print("|---|---|---|---|---|")
    for services in (1, 20, 200):
        server = Simulator("--fleet", services, "--start-ms", 60000, "--healthy-ms", 10000, "--drain-ms", 10000)
        try:
            say(f"watching {services} for a minute and a half")
            usage = measured([binary, "http", server.url, str(services)], environment(server.url))
        finally:
            server.stop()
        print(f"| {services} | {usage.wall:.0f} s | {usage.cpu:.2f} s | {usage.cpu * 60 / usage.wall:.2f} s | "
              f"{usage.peak / 1024:.1f} MiB |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9, help="runs of each tool that count")
    parser.add_argument("--only", choices=["compare", "poll"])
    options = parser.parse_args()
    missing = install()
    if options.only != "poll":
        for make in (Simulator, MiniStack):
            try:
                server = make()
            except (OSError, RuntimeError) as error:
                print(f"\n{make.name}: not measured: {error}")
                continue
            try:
                compare(server, options.runs)
            finally:
                server.stop()
        for tool, why in missing.items():
            print(f"\nNot measured: {tool}: {why}")
    if options.only != "compare":
        poll()


if __name__ == "__main__":
    main()
