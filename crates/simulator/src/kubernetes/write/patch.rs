//! PATCH other than apply: JSON patch (RFC 6902), merge patch (RFC 7396), and strategic merge patch.

use serde_json::Value;

use super::{Options, Written, check};
use crate::kubernetes::fields::walk::{element_of, without_nulls};
use crate::kubernetes::kinds::{Kind, Schema};
use crate::kubernetes::refusal::Refusal;
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;
use crate::scenario::merge_patch;

/// The content types of PATCH, as the server lists them.
pub(crate) const ACCEPTED: [&str; 5] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "application/apply-patch+cbor",
];

/// How a patch is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PatchKind {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl PatchKind {
    /// By the content type.
    pub(crate) fn of(content_type: &str) -> Result<Self, Refusal> {
        let bare = content_type.split(';').next().unwrap_or_default().trim();
        match bare {
            "application/json-patch+json" => Ok(Self::Json),
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/strategic-merge-patch+json" => Ok(Self::Strategic),
            "application/apply-patch+yaml" => Ok(Self::Apply),
            _ => Err(Refusal::unsupported_media_type(&ACCEPTED)),
        }
    }
}

impl ClusterState {
    /// PATCH.
    pub(crate) fn patch(
        &mut self,
        kind: &Kind,
        (namespace, name): (&str, &str),
        how: PatchKind,
        patch: Value,
        options: &Options,
    ) -> Result<Written, Refusal> {
        if how == PatchKind::Apply {
            return self.apply(kind, namespace, name, patch, options);
        }
        let scale = options.subresource == "scale";
        let key = ObjectKey::of(kind, namespace, name);
        let live = self.store.get(&key).cloned().ok_or_else(|| Refusal::not_found(kind, name))?;
        let mut new = if scale { self.scale(kind, namespace, name)? } else { live.clone() };
        match how {
            PatchKind::Json => json_patch(&mut new, &patch)?,
            PatchKind::Strategic if !scale => strategic(&mut new, &patch, &kind.schema),
            _ => merge_patch(&mut new, &patch),
        }
        if scale {
            return self.update_scale(kind, namespace, name, &new, options);
        }
        without_nulls(&mut new);
        super::check_kind(kind, &mut new)?;
        super::check_names(&mut new, namespace, name)?;
        let warnings = check::decode(kind, &mut new, options.validation)?;
        super::update::check_version(kind, name, &live, &new)?;
        let object = self.finish(kind, &key, &live, new, options, false)?;
        Ok(Written { object, created: false, warnings })
    }
}

/// Like a merge patch, but lists that are merged by a key keep their other items; `$patch: delete` removes one. The other
/// directives are not known here.
/// <https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md>
fn strategic(target: &mut Value, patch: &Value, schema: &Schema) {
    match (patch, schema) {
        (Value::Object(members), _) => {
            if !target.is_object() {
                *target = Value::Object(serde_json::Map::new());
            }
            let Some(object) = target.as_object_mut() else { return };
            for (name, value) in members {
                if value.is_null() {
                    object.shift_remove(name);
                } else {
                    let inner = schema.field(name).unwrap_or(&Schema::Any);
                    strategic(object.entry(name.clone()).or_insert(Value::Null), value, inner);
                }
            }
        }
        (Value::Array(items), Schema::Keyed(_, keys)) => {
            let mut list = target.as_array().cloned().unwrap_or_default();
            for item in items {
                let element = element_of(item, Some(keys));
                let there = list.iter().position(|one| element_of(one, Some(keys)) == element);
                match (there, item["$patch"] == "delete") {
                    (Some(place), true) => {
                        list.remove(place);
                    }
                    (Some(place), false) => strategic(&mut list[place], item, schema.item()),
                    (None, true) => {}
                    (None, false) => list.push(item.clone()),
                }
            }
            *target = Value::Array(list);
        }
        _ => target.clone_from(patch),
    }
}

fn json_patch(target: &mut Value, patch: &Value) -> Result<(), Refusal> {
    let refused =
        || Refusal::of(422, "Invalid", "the server rejected our request due to an error in our request");
    for step in patch.as_array().ok_or_else(refused)? {
        let path = step["path"].as_str().ok_or_else(refused)?;
        let from = step["from"].as_str();
        let done = match step["op"].as_str().unwrap_or_default() {
            "add" => add(target, path, step["value"].clone()),
            "remove" => remove(target, path).map(|_| ()),
            "replace" => target.pointer_mut(path).map(|there| there.clone_from(&step["value"])),
            "test" => (target.pointer(path) == Some(&step["value"])).then_some(()),
            "move" => from.and_then(|from| remove(target, from)).and_then(|value| add(target, path, value)),
            "copy" => {
                from.and_then(|from| target.pointer(from).cloned()).and_then(|value| add(target, path, value))
            }
            _ => None,
        };
        done.ok_or_else(refused)?;
    }
    Ok(())
}

/// The place above a pointer, and its last part.
fn above<'a>(target: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    Some((target.pointer_mut(parent)?, last.replace("~1", "/").replace("~0", "~")))
}

fn add(target: &mut Value, path: &str, value: Value) -> Option<()> {
    if path.is_empty() {
        *target = value;
        return Some(());
    }
    let (parent, last) = above(target, path)?;
    match parent {
        Value::Object(members) => {
            members.insert(last, value);
        }
        Value::Array(items) => {
            let place = if last == "-" { items.len() } else { last.parse().ok()? };
            if place > items.len() {
                return None;
            }
            items.insert(place, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(target: &mut Value, path: &str) -> Option<Value> {
    let (parent, last) = above(target, path)?;
    match parent {
        Value::Object(members) => members.shift_remove(&last),
        Value::Array(items) => {
            let place: usize = last.parse().ok()?;
            (place < items.len()).then(|| items.remove(place))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{json_patch, strategic};
    use crate::kubernetes::kinds::Schema;
    use serde_json::json;

    #[test]
    fn a_json_patch_is_done_step_by_step_or_not_at_all() {
        let mut object = json!({ "a": { "b/c": [1, 2] } });
        let patch = json!([
            { "op": "test", "path": "/a/b~1c/0", "value": 1 },
            { "op": "add", "path": "/a/b~1c/-", "value": 3 },
            { "op": "remove", "path": "/a/b~1c/0" },
            { "op": "copy", "from": "/a/b~1c", "path": "/d" },
            { "op": "replace", "path": "/d/0", "value": 9 },
            { "op": "move", "from": "/d", "path": "/e" }
        ]);
        json_patch(&mut object, &patch).unwrap();
        assert_eq!(object, json!({ "a": { "b/c": [2, 3] }, "e": [9, 3] }));
        for bad in [
            json!([{ "op": "test", "path": "/a", "value": 1 }]),
            json!([{ "op": "remove", "path": "/none" }]),
            json!([{ "op": "add", "path": "/e/7", "value": 1 }]),
            json!({}),
        ] {
            assert_eq!(json_patch(&mut object, &bad).unwrap_err().code, 422, "{bad}");
        }
    }

    #[test]
    fn a_strategic_patch_merges_containers_by_name() {
        let mut pod = json!({ "spec": { "containers": [{ "name": "a", "image": "1" }, { "name": "b", "image": "1" }] } });
        let patch = json!({ "spec": { "containers": [
            { "name": "b", "image": "2" }, { "name": "a", "$patch": "delete" }
        ] } });
        strategic(&mut pod, &patch, &Schema::built_in("Pod"));
        assert_eq!(pod, json!({ "spec": { "containers": [{ "name": "b", "image": "2" }] } }));
    }
}
