"""Sets of Kubernetes manifests, made from a seed: what kubernetes.py deploys.

Of each hundred objects forty are ConfigMaps, twenty Deployments without replicas, twenty Services, ten Roles and RoleBindings,
and ten custom resources. Their Namespace and their CustomResourceDefinition come on top. Every object has the label REVISION,
by which it is told what has been changed.
"""

import json
import random
import shutil

REVISION = "bench.example.com/revision"

# The part of a set that is changed, of a hundred.
CHANGED = 5


class Set:
    """`key` tells sets apart in one cluster: each has a namespace and a kind of its own."""

    def __init__(self, size, key):
        self.size, self.key = size, key
        self.namespace, self.group = f"bench-{key}", f"{key}.bench.example.com"
        self.crd = f"widgets.{self.group}"
        self.changed = set(random.Random(f"landfall {size}").sample(range(size), size * CHANGED // 100))

    def lists(self):
        """Paths of the lists that the objects are found in."""
        core, apps, rbac = "/api/v1", "/apis/apps/v1", "/apis/rbac.authorization.k8s.io/v1"
        kinds = [(core, "configmaps"), (apps, "deployments"), (core, "services"), (rbac, "roles"), (rbac, "rolebindings"),
                 (f"/apis/{self.group}/v1", "widgets")]
        return [f"{root}/namespaces/{self.namespace}/{plural}" for root, plural in kinds]

    def write(self, folder, change):
        """Writes the set as files of YAML, as it is at first or with its change."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        files = {"0-namespace": [self.base()], "1-definition": [definition(self.group)]}
        for number in range(self.size):
            file, made = self.object(number, 2 if change and number in self.changed else 1)
            files.setdefault(file, []).append(made)
        for name, objects in files.items():
            text = "---\n".join("\n".join(yaml(made)) + "\n" for made in objects)
            (folder / f"{name}.yaml").write_text(text)

    def base(self):
        return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}

    def object(self, number, revision):
        """The name of its file, and the object."""
        chance = random.Random(f"landfall {number}")
        place = number % 10
        for kinds, make in (((0, 1, 2, 3), config_map), ((4, 5), deployment), ((6, 7), service), ((8,), rbac), ((9,), widget)):
            if place in kinds:
                file, made = make(number, revision, chance, self.group)
        name = made["metadata"]["name"]
        labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "bench", REVISION: str(revision)}
        made["metadata"] = {"name": name, "namespace": self.namespace, "labels": labels}
        return file, made


def words(chance, count):
    return " ".join("".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(3, 9))) for _ in range(count))


def config_map(number, revision, chance, _):
    data = {f"setting-{line:02}": words(chance, 4) for line in range(12)}
    data["application.properties"] = "\n".join(f"key.{line}={words(chance, 5)}" for line in range(15)) + "\n"
    data["revision"] = str(revision)
    return "configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"settings-{number:04}"}, "data": data}


def deployment(number, revision, chance, _):
    name = f"web-{number:04}"
    probe = {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 5}
    container = {
        "name": "web", "image": f"registry.example.com/web:{revision}.0", "args": ["serve", "--port", "8080"],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "env": [{"name": f"OPTION_{line}", "value": words(chance, 2)} for line in range(6)],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "readinessProbe": probe, "livenessProbe": {**probe, "periodSeconds": 20},
        "volumeMounts": [{"name": "settings", "mountPath": "/etc/web"}],
    }
    pod = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 30,
                 "volumes": [{"name": "settings", "configMap": {"name": f"settings-{number // 10 * 10:04}"}}]},
    }
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": pod}
    return "deployments", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def service(number, revision, chance, _):
    name = f"web-{number:04}"
    ports = [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"},
             {"name": "metrics", "port": 9090, "targetPort": 9090, "protocol": "TCP"}]
    spec = {"selector": {"app": name}, "ports": ports}
    return "services", {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def rbac(number, revision, chance, _):
    """A Role, and in the next ten objects the RoleBinding of it."""
    api, name = "rbac.authorization.k8s.io", f"reader-{number // 20:04}"
    if number // 10 % 2 == 0:
        rules = [{"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["get", "list", "watch"]},
                 {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}]
        return "rbac", {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules}
    subjects = [{"kind": "ServiceAccount", "name": "default", "namespace": "default"}]
    role = {"apiGroup": api, "kind": "Role", "name": name}
    return "rbac", {"apiVersion": f"{api}/v1", "kind": "RoleBinding", "metadata": {"name": name}, "roleRef": role, "subjects": subjects}


def widget(number, revision, chance, group):
    spec = {"size": revision, "color": words(chance, 1), "parts": [{"name": f"part-{part}", "weight": part} for part in range(4)]}
    return "widgets", {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": f"widget-{number:04}"}, "spec": spec}


def definition(group):
    part = {"type": "object", "properties": {"name": {"type": "string"}, "weight": {"type": "integer"}}}
    spec = {"type": "object", "properties": {"size": {"type": "integer"}, "color": {"type": "string"},
                                             "parts": {"type": "array", "items": part}}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"widgets.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names,
                 "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}]},
    }


def yaml(value, depth=0):
    """Lines of YAML in block style; scalars are those of JSON."""
    margin = "  " * depth
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, (dict, list)) and item:
                yield f"{margin}{key}:"
                yield from yaml(item, depth + 1)
            else:
                yield f"{margin}{key}: {json.dumps(item)}"
        return
    for item in value:
        nested = isinstance(item, (dict, list)) and item
        first, *rest = yaml(item, depth + 1) if nested else [json.dumps(item)]
        yield f"{margin}- {first.lstrip()}"
        yield from rest
