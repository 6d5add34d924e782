//! Everything that looks at objects without changing them.

pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod select;
pub(crate) mod watch;
