//! Several field managers.

use http::Method;
use serde_json::json;

use super::{Row, Stage, config_map, deployment, row};

pub(super) const ROWS: &[Row] = &[
    row!("somebody else may apply the same value and owns it too", "200: one Apply, two Apply", same_value),
    row!(
        "another value is a conflict with who applied the first",
        r#"409 Conflict: FieldManagerConflict .data.color: conflict with "one""#,
        other_value
    ),
    row!(
        "another value is a conflict with who wrote the first",
        r#"409 Conflict: FieldManagerConflict .data.color: conflict with "editor" using v1"#,
        other_value_than_written
    ),
    row!(
        "a conflict inside a list names the entry by its key",
        r#"409 Conflict: FieldManagerConflict .spec.template.spec.containers[name="web"].image: conflict with "one""#,
        in_a_list
    ),
    row!("force takes a field from its owner", r#"200, "blue": two Apply"#, forced),
    row!(
        "an apply upon a resourceVersion that is no longer the newest is a conflict without causes",
        "409 Conflict, causes: 0",
        stale
    ),
    row!(
        "managed fields can be given from an Update to an Apply",
        r#"200: one Apply, then {"a":"1"}"#,
        migrated
    ),
];

fn color(color: &str) -> serde_json::Value {
    config_map(&json!({ "color": color }))
}

async fn same_value(stage: &Stage<'_>) -> Result<String, String> {
    stage.apply("one", &color("red")).await?;
    let answer = stage.apply("two", &color("red")).await?;
    Ok(format!("{}: {}", answer.brief(), answer.managers()))
}

async fn other_value(stage: &Stage<'_>) -> Result<String, String> {
    stage.apply("one", &color("red")).await?;
    let answer = stage.apply("two", &color("blue")).await?;
    Ok(format!("{}: {}", answer.brief(), answer.causes()))
}

async fn other_value_than_written(stage: &Stage<'_>) -> Result<String, String> {
    stage.post("fieldManager=editor", &color("red")).await?;
    let answer = stage.apply("two", &color("blue")).await?;
    Ok(format!("{}: {}", answer.brief(), answer.causes()))
}

async fn in_a_list(stage: &Stage<'_>) -> Result<String, String> {
    stage.apply("one", &deployment("registry.example.com/web:1")).await?;
    let answer = stage.apply("two", &deployment("registry.example.com/web:2")).await?;
    Ok(format!("{}: {}", answer.brief(), answer.causes()))
}

/// Who has no field left is no manager any more.
async fn forced(stage: &Stage<'_>) -> Result<String, String> {
    stage.apply("one", &color("red")).await?;
    let answer = stage.apply_with("fieldManager=two&force=true", &color("blue")).await?;
    Ok(format!("{}, {}: {}", answer.brief(), answer.json()["data"]["color"], answer.managers()))
}

async fn stale(stage: &Stage<'_>) -> Result<String, String> {
    let first = stage.apply("one", &color("red")).await?.json();
    stage.apply("one", &color("green")).await?;
    let mut object = color("blue");
    object["metadata"]["resourceVersion"] = first["metadata"]["resourceVersion"].clone();
    let answer = stage.apply("one", &object).await?;
    let causes = answer.json()["details"]["causes"].as_array().map_or(0, Vec::len);
    Ok(format!("{}, causes: {causes}", answer.brief()))
}

/// What an Update has written is an Apply's from then on, so that it is removed when it is left out. This is how a history of
/// client-side apply is migrated: `UpgradeManagedFields` in `util/csaupgrade` of
/// <https://github.com/kubernetes/client-go>.
async fn migrated(stage: &Stage<'_>) -> Result<String, String> {
    let written = config_map(&json!({ "a": "1", "b": "2" }));
    let mut entries =
        stage.post("fieldManager=old", &written).await?.json()["metadata"]["managedFields"].clone();
    entries[0]["manager"] = json!("one");
    entries[0]["operation"] = json!("Apply");
    let patch = json!([{ "op": "replace", "path": "/metadata/managedFields", "value": entries }]);
    let path = format!("{}?fieldManager=one", stage.path(&written));
    let patched = stage.send(Method::PATCH, &path, "application/json-patch+json", &patch).await?;
    let applied = stage.apply("one", &config_map(&json!({ "a": "1" }))).await?;
    Ok(format!("{}: {}, then {}", patched.brief(), patched.managers(), applied.json()["data"]))
}
