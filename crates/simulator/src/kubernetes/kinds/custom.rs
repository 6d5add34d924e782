//! What a CustomResourceDefinition defines.
//! <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/>

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Kind, Schema};

/// A kind for each version that is served. Versions are not converted into each other: an object is what was written,
/// as with the conversion strategy `None`.
pub(super) fn kinds_of(definition: &Value) -> Vec<Kind> {
    let spec = &definition["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let names = &spec["names"];
    let kind = text(&names["kind"]);
    let singular = names["singular"].as_str().map_or_else(|| kind.to_lowercase(), str::to_owned);
    let short = names["shortNames"].as_array().cloned().unwrap_or_default();
    let versions = spec["versions"].as_array().cloned().unwrap_or_default();
    let served = versions.iter().filter(|version| version["served"] == json!(true));
    served
        .map(|version| Kind {
            group: text(&spec["group"]),
            version: text(&version["name"]),
            kind: kind.clone(),
            plural: text(&names["plural"]),
            singular: singular.clone(),
            short: short.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            namespaced: spec["scope"] == json!("Namespaced"),
            subresources: subresources(version),
            schema: schema(&version["schema"]["openAPIV3Schema"]),
        })
        .collect()
}

fn subresources(version: &Value) -> Vec<String> {
    let there = version["subresources"].as_object();
    let names = ["status", "scale"].into_iter();
    names.filter(|name| there.is_some_and(|there| there.contains_key(*name))).map(str::to_owned).collect()
}

/// The validation schema, with the fields that every object has. Those of `metadata` are never the definition's own. Where
/// it describes nothing, everything is kept.
fn schema(validation: &Value) -> Schema {
    let Schema::Struct(fields) = Schema::of_validation(validation) else { return Schema::Any };
    let mut fields: BTreeMap<String, Schema> = (*fields).clone();
    fields.extend(common());
    Schema::Struct(Arc::new(fields))
}

fn common() -> impl IntoIterator<Item = (String, Schema)> {
    let every = Schema::built_in("ConfigMap");
    ["apiVersion", "kind", "metadata"]
        .into_iter()
        .filter_map(move |name| every.field(name).map(|schema| (name.to_owned(), schema.clone())))
        .collect::<Vec<_>>()
}
