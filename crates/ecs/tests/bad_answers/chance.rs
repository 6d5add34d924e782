//! Choices that follow from a seed, so that a failed case can be run again.

use serde_json::Value;

/// A splitmix64 generator.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 when there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap_or(0)
    }

    pub(crate) fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    /// The path of any value inside of `value`, as JSON pointers write it.
    pub(crate) fn path(&mut self, value: &Value) -> String {
        let mut all = Vec::new();
        paths(value, "", &mut all);
        if all.is_empty() { String::new() } else { self.one_of(&all) }
    }
}

fn paths(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                paths(member, &path, found);
                found.push(path);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let path = format!("{at}/{index}");
                paths(item, &path, found);
                found.push(path);
            }
        }
        _ => {}
    }
}

/// Takes a value out of the object or list it stands in.
pub(crate) fn remove(root: &mut Value, path: &str) {
    let Some((parent, name)) = path.rsplit_once('/') else { return };
    match root.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.shift_remove(&name.replace("~1", "/").replace("~0", "~"));
        }
        Some(Value::Array(items)) => {
            if let Ok(index) = name.parse::<usize>() {
                items.remove(index);
            }
        }
        _ => {}
    }
}

/// Changes every value inside of `value`, the innermost first; the name of the member it is the value of is given too.
pub(crate) fn everywhere(name: &str, value: &mut Value, change: &dyn Fn(&str, &mut Value)) {
    match value {
        Value::Object(members) => {
            members.iter_mut().for_each(|(name, member)| everywhere(name, member, change));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| everywhere(name, item, change)),
        _ => {}
    }
    change(name, value);
}
