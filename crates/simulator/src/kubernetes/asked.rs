//! What a request asks for: its path and query, taken apart.
//! <https://kubernetes.io/docs/reference/using-api/api-concepts/>

use std::collections::BTreeMap;

use http::Method;
use http::request::Parts;

/// The way to a kind, an object, or something below an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    /// Empty for objects in no namespace, and for a list over all namespaces.
    pub(crate) namespace: String,
    /// Empty for a collection.
    pub(crate) name: String,
    /// `status`, `scale`, `log`; empty for the object itself.
    pub(crate) subresource: String,
}

/// A request, told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Path {
    /// `/api`, `/apis/apps`, `/version`, `/readyz`: what is no object.
    Other(Vec<String>),
    Object(Place),
}

/// The query: the last value of each name, as the server reads single-valued options.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    pub(crate) fn of(head: &Parts) -> Self {
        let text = head.uri.query().unwrap_or_default();
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.text(name), "true" | "1")
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.text(name).parse().ok()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

impl Path {
    pub(crate) fn of(path: &str) -> Self {
        let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
        let words: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (group, version, rest) = match words.as_slice() {
            ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
            ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
            _ => return Self::Other(parts),
        };
        let (namespace, rest) = match rest {
            // `namespaces/NAME` is a namespace itself, and so are its subresources.
            ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => ("", rest),
            ["namespaces", namespace, rest @ ..] => (*namespace, rest),
            rest => ("", rest),
        };
        let part = |index: usize| rest.get(index).map_or_else(String::new, |part| (*part).to_owned());
        Self::Object(Place {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: part(0),
            namespace: namespace.to_owned(),
            name: part(1),
            subresource: rest.get(2..).map(|rest| rest.join("/")).unwrap_or_default(),
        })
    }
}

/// The verb of authorization: <https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb>.
pub(crate) fn verb(method: &Method, path: &Path, query: &Query) -> &'static str {
    let Path::Object(place) = path else {
        return match *method {
            Method::GET | Method::HEAD => "get",
            Method::POST => "post",
            Method::PUT => "put",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            _ => "options",
        };
    };
    let one = !place.name.is_empty();
    match *method {
        Method::GET | Method::HEAD if query.flag("watch") && place.subresource.is_empty() => "watch",
        Method::GET | Method::HEAD if one => "get",
        Method::GET | Method::HEAD => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if one => "delete",
        Method::DELETE => "deletecollection",
        _ => "options",
    }
}

/// A part of a path without its percent signs; a plus sign is itself there.
fn decoded(segment: &str) -> String {
    let pair = format!("x={}", segment.replace('+', "%2B"));
    form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Path, Place};

    #[test]
    fn paths_are_taken_apart() {
        for (path, [group, version, plural, namespace, name, subresource]) in [
            ("/api/v1/namespaces", ["", "v1", "namespaces", "", "", ""]),
            ("/api/v1/namespaces/a", ["", "v1", "namespaces", "", "a", ""]),
            ("/api/v1/namespaces/a/status", ["", "v1", "namespaces", "", "a", "status"]),
            ("/api/v1/namespaces/a/pods", ["", "v1", "pods", "a", "", ""]),
            ("/api/v1/namespaces/a/pods/p/log", ["", "v1", "pods", "a", "p", "log"]),
            ("/apis/apps/v1/deployments", ["apps", "v1", "deployments", "", "", ""]),
            ("/apis/x.io/v1/namespaces/a/things/t%2Bu", ["x.io", "v1", "things", "a", "t+u", ""]),
        ] {
            let expected = Place {
                group: group.into(),
                version: version.into(),
                plural: plural.into(),
                namespace: namespace.into(),
                name: name.into(),
                subresource: subresource.into(),
            };
            assert_eq!(Path::of(path), Path::Object(expected), "{path}");
        }
        for path in ["/", "/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/version", "/readyz"] {
            assert!(matches!(Path::of(path), Path::Other(_)), "{path}");
        }
    }
}
