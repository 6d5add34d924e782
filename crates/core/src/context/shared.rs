//! What the targets of one process share beside the limiter, by its type.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A map from a type to the one thing of this type.
///
/// Core does not know what is in it: a crate of targets keeps there what serves several of them at once, such as one
/// call that answers many looks. It lives as long as the last context that holds it.
#[derive(Default)]
pub struct Shared {
    things: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Shared {
    /// The one `T`, made by its default when it is first asked for.
    #[must_use]
    pub fn of<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut things = self.things.lock().unwrap_or_else(PoisonError::into_inner);
        let thing = things.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        // The key is the type, so it is always of this type.
        Arc::clone(thing).downcast().unwrap_or_default()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let things = self.things.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("Shared").field("things", &things).finish()
    }
}
