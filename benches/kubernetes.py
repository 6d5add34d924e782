#!/usr/bin/env python3
"""Sets of Kubernetes objects deployed by landfall, kubectl and kapp to a real API server. See README.md beside this file.

Prints Markdown on standard output and what it is doing on standard error.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from control_plane import ControlPlane, Distance
from manifests import REVISION, Set
from run import ROOT, TARGET, TOOLS, measured, say

HERE = ROOT / "benches"


def pinned(tool, module):
    """The version in the go.mod of a tool: figures of other versions are other figures."""
    return re.search(rf"{re.escape(module)} (v\S+)", (HERE / tool / "go.mod").read_text())[1]


KUBECTL = "v1" + pinned("kubectl", "k8s.io/kubectl").removeprefix("v0")
KAPP = pinned("kapp", "carvel.dev/kapp")

LANDFALL = "landfall"
PHASES = ("cold", "unchanged", "5 % changed")

# kubectl does not know a kind before its CustomResourceDefinition is established, so a first deployment takes three calls.
FIRST = r"""
set -euo pipefail
"$KUBECTL" apply --server-side $FLAGS -f "$FOLDER/0-namespace.yaml" -f "$FOLDER/1-definition.yaml"
"$KUBECTL" wait --for=condition=Established "crd/$CRD"
exec "$KUBECTL" apply --server-side $FLAGS -f "$FOLDER"
"""


def install():
    """Builds landfall, the control plane and the other tools; says what is missing."""
    missing = {}
    subprocess.run(["bash", ROOT / "tests" / "kubernetes" / "build"], check=True, stdout=subprocess.DEVNULL)
    say("building landfall (release)")
    cargo = ["cargo", "build", "--release", "--locked", "-q"]
    subprocess.run([*cargo, "--example", "deploy"], cwd=ROOT, check=True)
    subprocess.run([*cargo, "-p", "landfall-eks", "--example", "cluster", "--example", "relay"], cwd=ROOT, check=True)
    bin = TOOLS / "bin"
    bin.mkdir(parents=True, exist_ok=True)
    go = {**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
    named = f"-s -w -X k8s.io/component-base/version.gitVersion={KUBECTL} -X k8s.io/client-go/pkg/version.gitVersion={KUBECTL}"
    for tool, flags in [("kubectl", ["-ldflags", named, "."]), ("kapp", ["-ldflags", "-s -w", "carvel.dev/kapp/cmd/kapp"])]:
        if (bin / tool).exists():
            continue
        if shutil.which("go") is None:
            missing[tool] = "there is no Go toolchain"
            continue
        say(f"building {tool}")
        done = subprocess.run(["go", "build", "-mod=readonly", "-trimpath", "-o", bin / tool, *flags], cwd=HERE / tool, env=go,
                              capture_output=True, text=True)
        if done.returncode != 0:
            why = [line for line in done.stderr.strip().splitlines() if line]
            missing[tool] = "`go build` failed: " + re.sub(r"https?://\S+", "(URL)", why[-1])
    return missing


class Tool:
    """`command(set, folder, kubeconfig, phase)` gives a command and what its environment has beside the usual."""

    def __init__(self, name, command, phases=PHASES):
        self.name, self.command, self.phases = name, command, phases


def landfall(name, *flags, phases=PHASES):
    program = TARGET / "release" / "examples" / "deploy"

    def command(set, folder, kubeconfig, _):
        return [program, "eks", "--kubeconfig", kubeconfig, "--manifests", folder,
                "--release", f"bench-{set.key}", "--output", "json", *flags], {}
    return Tool(name, command, phases)


def kubectl(program, name, *flags):
    def command(set, folder, kubeconfig, phase):
        more = {"KUBECONFIG": str(kubeconfig)}
        if phase == "cold":
            return ["bash", "-c", FIRST], {**more, "KUBECTL": str(program), "FOLDER": str(folder), "CRD": set.crd, "FLAGS": " ".join(flags)}
        return [program, "apply", "--server-side", *flags, "-f", folder], more
    return Tool(name, command)


def kapp():
    def command(set, folder, kubeconfig, _):
        return [TOOLS / "bin" / "kapp", "deploy", "-y", "--wait=false", "--kubeconfig", kubeconfig, "-n", "default", "-a",
                f"bench-{set.key}", "-f", folder], {}
    return Tool(f"kapp {KAPP}", command)


def tools(others):
    # What nobody waits for is not known to be good, and keeps its lock for a while: there is no second deployment of it.
    found = [landfall(LANDFALL), landfall("landfall --no-wait", "--no-wait", phases=PHASES[:1])]
    programs = [TOOLS / "bin" / "kubectl"] if (TOOLS / "bin" / "kubectl").exists() else [shutil.which("kubectl")]
    for program in [*filter(None, programs), *others]:
        told = subprocess.run([program, "version", "--client", "-o", "json"], capture_output=True, text=True, check=True)
        name = f"kubectl {json.loads(told.stdout)['clientVersion']['gitVersion']}"
        found.append(kubectl(program, f"{name} --validate=false", "--validate=false"))
        found.append(kubectl(program, name))
    if (TOOLS / "bin" / "kapp").exists():
        found.append(kapp())
    return found


class Run:
    """What one deployment took."""

    def __init__(self, usage, requests, most):
        self.wall, self.cpu, self.peak, self.requests, self.most = usage.wall, usage.cpu, usage.peak / 1024, requests, most


def deploy(tool, set, phase, plane, distance, milliseconds, work):
    """One deployment, in a process that knows nothing of the cluster beforehand, as in a job of CI."""
    folder, home = work / set.key, work / "home"
    set.write(folder, phase == PHASES[2])
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    command, more = tool.command(set, folder, distance.kubeconfig, phase)
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "KUBECACHEDIR": str(home / "cache"), **more}
    plane.settle()
    since = plane.audit()
    usage = measured(command, env)
    told = plane.requests(since, milliseconds)
    check(tool, set, phase, plane, usage.output)
    return Run(usage, *told)


def check(tool, set, phase, plane, output):
    """What was deployed is there, and landfall has told what it did."""
    there = changed = 0
    for path in set.lists():
        items = plane.read(path)["items"]
        revisions = [item["metadata"].get("labels", {}).get(REVISION) for item in items]
        there, changed = there + sum(map(bool, revisions)), changed + revisions.count("2")
    wanted = len(set.changed) if phase == PHASES[2] else 0
    if (there, changed) != (set.size, wanted):
        sys.exit(f"{tool.name}, {phase}: {there} objects, {changed} of them changed; {set.size} and {wanted} were wanted\n{output}")
    if not tool.name.startswith(LANDFALL):
        return
    events = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    planned = next(event["changes"] for event in events if event["event"] == "planned")
    outcome = events[-1]["verdict"]["outcome"]
    if phase == PHASES[1] and (outcome != "unchanged" or planned):
        sys.exit(f"landfall does not call it unchanged: {outcome}, {len(planned)} changes planned")
    if phase == PHASES[2] and len(planned) != wanted:
        sys.exit(f"landfall plans {len(planned)} changes, and there are {wanted}")


def rounds(all, size, milliseconds, runs, work):
    """Runs of each tool and phase, interleaved, each round on a control plane of its own."""
    found, added = {}, []
    for round in range(runs):
        plane = ControlPlane(work / "control-plane")
        distance = Distance(plane, milliseconds)
        try:
            # The first deployment fills the server's caches, and is not counted.
            warm = Set(50, f"w{round}")
            deploy(all[-1], warm, "cold", plane, distance, milliseconds, work)
            added.append(distance.added(plane))
            turned = all[round % len(all):] + all[:round % len(all)]
            for tool in turned:
                set = Set(size, f"r{round}t{all.index(tool)}")
                for phase in tool.phases:
                    run = deploy(tool, set, phase, plane, distance, milliseconds, work)
                    found.setdefault((phase, tool.name), []).append(run)
                shutil.rmtree(work / set.key)
        finally:
            distance.stop()
            plane.stop()
        say(f"{milliseconds} ms, {size} objects: round {round + 1} of {runs}")
    return found, statistics.median(added)


def middle(all, part):
    return statistics.median(getattr(run, part) for run in all)


def table(all, found, size, milliseconds, added):
    print(f"\n### {size:,} objects, {milliseconds} ms added to each round trip (measured: {added:.1f} ms)\n")
    print("| phase | tool | wall: median (least to most) | CPU | peak memory | requests | most at once | wall: of landfall's |")
    print("|---|---|---|---|---|---|---|---|")
    for phase in PHASES:
        ours = middle(found[phase, LANDFALL], "wall")
        for tool in all:
            if phase not in tool.phases:
                continue
            these = found[phase, tool.name]
            walls = [run.wall for run in these]
            print(f"| {phase} | {tool.name} | {middle(these, 'wall'):.2f} s ({min(walls):.2f} to {max(walls):.2f}) | "
                  f"{middle(these, 'cpu'):.2f} s | {max(run.peak for run in these):.0f} MiB | {middle(these, 'requests'):.0f} | "
                  f"{middle(these, 'most'):.0f} | {middle(these, 'wall') / ours:.1f} x |", flush=True)


def summary(ratios):
    """How many times as long kubectl without validation takes, against the aims."""
    print("\n### kubectl without validation takes as many times as long as landfall\n")
    print("| added | objects | " + " | ".join(PHASES) + " | aim |")
    print("|---|---|---|---|---|---|")
    for (milliseconds, size), of_phase in ratios.items():
        aim = 10 if milliseconds >= 25 and size >= 200 else 1.5 if milliseconds == 0 else None
        told = [f"{of_phase[phase]:.1f}" + (" (missed)" if aim and of_phase[phase] < aim else "") for phase in PHASES]
        print(f"| {milliseconds} ms | {size:,} | " + " | ".join(told) + f" | {aim or ''} |")


def numbers(text):
    return [int(part) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="runs of each tool")
    parser.add_argument("--sizes", type=numbers, default=[50, 200, 1000], help="objects of the sets")
    parser.add_argument("--latencies", type=numbers, default=[0, 5, 25], help="milliseconds that are added to each round trip")
    parser.add_argument("--tools", default="", help="only those whose name fits this regular expression, and landfall")
    parser.add_argument("--kubectl", type=Path, action="append", default=[], help="another kubectl to measure too")
    parser.add_argument("--no-build", action="store_true", help="take what was built and installed before")
    options = parser.parse_args()
    missing = {} if options.no_build else install()
    all = [tool for tool in tools(options.kubectl) if tool.name == LANDFALL or re.search(options.tools, tool.name)]
    print(f"{options.runs} runs, {os.cpu_count()} processors, which the control plane shares with what is measured. {LANDFALL} waits "
          "until all is ready; the others only apply.")
    ratios = {}
    with tempfile.TemporaryDirectory(prefix="bench-kubernetes-", dir=TARGET) as work:
        for milliseconds in options.latencies:
            for size in options.sizes:
                found, added = rounds(all, size, milliseconds, options.runs, Path(work))
                table(all, found, size, milliseconds, added)
                plain = next((tool.name for tool in all if tool.name.endswith("--validate=false")), None)
                if plain:
                    ratios[milliseconds, size] = {
                        phase: middle(found[phase, plain], "wall") / middle(found[phase, LANDFALL], "wall") for phase in PHASES}
    if ratios:
        summary(ratios)
    for tool, why in missing.items():
        print(f"\nNot measured: {tool}: {why}")


if __name__ == "__main__":
    main()
