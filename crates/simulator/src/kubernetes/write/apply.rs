//! Server-side apply.

use serde_json::Value;

use super::update::check_version;
use super::{Options, Written, check, check_kind, check_names};
use crate::kubernetes::fields::managers;
use crate::kubernetes::fields::walk::without_nulls;
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::refusal::{Problem, Refusal};
use crate::kubernetes::state::ClusterState;
use crate::kubernetes::store::ObjectKey;

impl ClusterState {
    /// PATCH with `application/apply-patch+yaml`.
    pub(crate) fn apply(
        &mut self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        mut configuration: Value,
        options: &Options,
    ) -> Result<Written, Refusal> {
        if options.manager.is_empty() {
            let problem = Problem::required("fieldManager", "is required for apply patch");
            return Err(Refusal::invalid_options("PatchOptions", problem));
        }
        check_kind(kind, &mut configuration)?;
        check_names(&mut configuration, namespace, name)?;
        if !configuration["metadata"]["managedFields"].is_null() {
            return Err(Refusal::bad_request("metadata.managedFields must be nil"));
        }
        check::applicable(kind, namespace, name, &configuration)?;
        without_nulls(&mut configuration);
        let key = ObjectKey::of(kind, namespace, name);
        let live = self.store.get(&key).cloned();
        let writer = self.writer(kind, options);
        if let Some(live) = live {
            check_version(kind, name, &live, &configuration)?;
            let merged = managers::apply(Some(&live), &configuration, &kind.schema, &writer, options.force)?;
            let object = self.finish(kind, &key, &live, merged, options, true)?;
            return Ok(Written { object, created: false, warnings: Vec::new() });
        }
        if !options.subresource.is_empty() {
            return Err(Refusal::not_found(kind, name));
        }
        if let Some(uid) = configuration["metadata"]["uid"].as_str() {
            let why = format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            );
            return Err(Refusal::conflict(kind, name, &why));
        }
        let merged = managers::apply(None, &configuration, &kind.schema, &writer, options.force)?;
        let object = self.add(kind, namespace, merged, options, true)?;
        Ok(Written { object, created: true, warnings: Vec::new() })
    }
}
