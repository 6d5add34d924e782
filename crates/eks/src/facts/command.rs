//! The kubectl commands that show more.

use super::Object;

/// `kubectl -n shop describe deployment web`.
pub(crate) fn describe(object: Object<'_>) -> String {
    on(object, "describe")
}

/// `kubectl -n shop get deployment web -o yaml`.
pub(crate) fn show(object: Object<'_>) -> String {
    format!("{} -o yaml", on(object, "get"))
}

/// A command with kind and name behind its verb.
pub(crate) fn on(object: Object<'_>, verb: &str) -> String {
    format!("kubectl{} {verb} {} {}", namespace(object.namespace()), resource(object), object.name())
}

/// `kubectl -n shop logs web-6d4cf56db6-x2x7p -c web --previous`.
pub(crate) fn logs(space: Option<&str>, pod: &str, container: &str, previous: bool) -> String {
    let previous = if previous { " --previous" } else { "" };
    format!("kubectl{} logs {pod} -c {container}{previous}", namespace(space))
}

fn namespace(name: Option<&str>) -> String {
    name.map(|name| format!(" -n {name}")).unwrap_or_default()
}

/// The kind in lower case; with its group where kubectl might take another for it.
fn resource(object: Object<'_>) -> String {
    let kind = object.kind().to_ascii_lowercase();
    match object.group() {
        group if group.contains('.') && !group.ends_with(".k8s.io") => format!("{kind}.{group}"),
        _ => kind,
    }
}
