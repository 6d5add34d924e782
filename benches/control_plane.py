"""The API server that kubernetes.py deploys to, with a distance before it, and what its audit log tells."""

import base64
import http.client
import json
import os
import ssl
import statistics
import subprocess
import time
from datetime import datetime
from pathlib import Path

from run import TARGET, say

# What asks the API server for itself, by the beginning of its user agent.
COMPONENTS = ("kube-", "kwok", "etcd")

# As much of one processor as a control plane that has nothing to do takes, and how long it may take to get there.
IDLE, SETTLES_IN = 0.15, 90


class ControlPlane:
    """That of landfall's tests, with an audit log. Each has its own folder, and forgets everything at its end."""

    def __init__(self, folder):
        program = TARGET / "release" / "examples" / "cluster"
        self.process = subprocess.Popen([program, folder, "--audit"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if "export KUBECONFIG=" not in self.process.stdout.readline():
            raise RuntimeError("the control plane does not start")
        self.folder, self.kubeconfig = folder, folder / "kubeconfig"
        config = json.loads(self.kubeconfig.read_text())
        self.server = config["clusters"][0]["cluster"]["server"]
        self.token = config["users"][0]["user"]["token"]
        authority = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
        self.tls = ssl.create_default_context(cadata=authority)
        self.tls.verify_flags &= ~ssl.VERIFY_X509_STRICT  # the authority's certificate is a short one

    def connection(self, port=None):
        return http.client.HTTPSConnection("127.0.0.1", port or int(self.server.rsplit(":", 1)[1]), context=self.tls)

    def read(self, path, connection=None):
        connection = connection or self.connection()
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}", "User-Agent": "kube-bench"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]}")
        return json.loads(body)

    def cpu(self):
        """Seconds that its processes have used."""
        used = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue  # it has ended
            if int(fields[1]) == self.process.pid:
                used += int(fields[11]) + int(fields[12])
        return used / os.sysconf("SC_CLK_TCK")

    def settle(self):
        """Waits until its controllers have done what followed from the last deployment."""
        until = time.monotonic() + SETTLES_IN
        while time.monotonic() < until:
            before, began = self.cpu(), time.monotonic()
            time.sleep(0.5)
            if (self.cpu() - before) / (time.monotonic() - began) < IDLE:
                return
        say(f"the control plane is still busy after {SETTLES_IN} s")

    def stop(self):
        self.process.stdin.write("\n")
        self.process.stdin.close()
        self.process.wait(timeout=60)

    def audit(self):
        """Where the audit log ends now."""
        return (self.folder / "audit.log").stat().st_size

    def requests(self, since, milliseconds):
        """How many requests others than its components have sent since then, and how many of them were under way at once, as
        their sender saw it: half a round trip before they arrived until half of one after they were answered."""
        with open(self.folder / "audit.log") as log:
            log.seek(since)
            lines = [json.loads(line) for line in log]
        told = [line for line in lines if not line.get("userAgent", "").startswith(COMPONENTS)]
        answered = [line for line in told if line["stage"] == "ResponseComplete" and line["verb"] != "watch"]
        half, moves = milliseconds / 2000, []
        for line in answered:
            moves.append((seconds(line["requestReceivedTimestamp"]) - half, 1))
            moves.append((seconds(line["stageTimestamp"]) + half, -1))
        under_way = most = 0
        for _, move in sorted(moves):
            under_way += move
            most = max(most, under_way)
        return len({line["auditID"] for line in told}), most


def seconds(text):
    return datetime.fromisoformat(text).timestamp()


class Distance:
    """A relay before a control plane, with a kubeconfig that leads through it; without milliseconds the way is direct."""

    def __init__(self, plane, milliseconds):
        self.process, self.kubeconfig, self.port = None, plane.kubeconfig, None
        if not milliseconds:
            return
        program = TARGET / "release" / "examples" / "relay"
        address = plane.server.removeprefix("https://")
        self.process = subprocess.Popen([program, address, str(milliseconds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.port = int(self.process.stdout.readline())
        self.kubeconfig = plane.folder / "kubeconfig-far"
        self.kubeconfig.write_text(plane.kubeconfig.read_text().replace(plane.server, f"https://127.0.0.1:{self.port}"))

    def added(self, plane):
        """Milliseconds that it adds to an answer, measured."""
        def median(port):
            connection, took = plane.connection(port), []
            for _ in range(31):
                began = time.monotonic()
                plane.read("/version", connection)
                took.append(time.monotonic() - began)
            return statistics.median(took) * 1000
        return median(self.port) - median(None) if self.port else 0.0

    def stop(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait(timeout=30)
