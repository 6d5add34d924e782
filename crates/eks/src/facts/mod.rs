//! What the API server shows of an object, read without assuming anything: absent and wrongly typed fields read as
//! nothing. Meaning is given to these facts by [`crate::judge`] and [`crate::diagnose`] and nowhere else.
//!
//! - [`Field`]: a place in a document.
//! - [`Object`]: what all objects have, and [`Condition`].
//! - [`Pod`], [`Container`], [`Exit`], [`Event`]: what lies below a workload.
//! - `command`: the kubectl command that shows more.
//!
//! Field names and their meaning: the Kubernetes API reference
//! (<https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/>).

pub(crate) mod command;
mod event;
mod field;
mod object;
mod pod;
#[cfg(test)]
mod tests;

pub(crate) use event::Event;
pub(crate) use field::Field;
pub(crate) use object::{Condition, Object};
pub(crate) use pod::{Container, Exit, Pod};

/// `1 pod`, `2 pods`.
pub(crate) fn counted(count: i64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
