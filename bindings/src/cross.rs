//! From the core's types to those that cross into other languages, and back.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use bedside_core::api::{EntryId, Outcome, PageKey, PlanId, Role, Section, Slot, Timestamp, VisitId};

use crate::ApiError;

/// The same thing on the other side.
pub(crate) trait Cross<To> {
    /// Takes it across.
    fn cross(self) -> To;
}

/// A struct with the same fields on both sides. A field that only one side has does not compile.
macro_rules! crosses {
    ($from:path => $to:path { $($field:ident),* $(,)? }) => {
        impl $crate::cross::Cross<$to> for $from {
            fn cross(self) -> $to {
                #[allow(unused_imports, reason = "a struct without fields has nothing to take across")]
                use $crate::cross::Cross as _;
                let Self { $($field),* } = self;
                $to { $($field: $field.cross()),* }
            }
        }
    };
}

/// `Debug`, which is `toString` in Kotlin, `description` in Swift and `repr` in Python, says what it is and nothing of it.
macro_rules! withheld {
    ($($name:ident),* $(,)?) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(withheld)"))
            }
        }
    )*};
}

macro_rules! unchanged {
    ($($type:ty),* $(,)?) => {$(
        impl Cross<$type> for $type {
            fn cross(self) -> $type {
                self
            }
        }
    )*};
}

unchanged!(bool, u8, u32, u64, i16, i64, String, PlanId, EntryId, PageKey, Role, Section, Outcome, VisitId);

impl Cross<String> for &'static str {
    fn cross(self) -> String {
        self.to_owned()
    }
}

impl Cross<u32> for usize {
    fn cross(self) -> u32 {
        u32::try_from(self).unwrap_or(u32::MAX)
    }
}

impl Cross<usize> for u32 {
    fn cross(self) -> usize {
        usize::try_from(self).unwrap_or(usize::MAX)
    }
}

/// Moments, and how long something took.
impl Cross<i64> for u64 {
    fn cross(self) -> i64 {
        i64::try_from(self).unwrap_or(i64::MAX)
    }
}

impl Cross<i64> for Timestamp {
    fn cross(self) -> i64 {
        self.0.cross()
    }
}

/// Nothing was before 1970.
impl Cross<Timestamp> for i64 {
    fn cross(self) -> Timestamp {
        Timestamp(u64::try_from(self).unwrap_or_default())
    }
}

impl<A: Cross<B>, B> Cross<Option<B>> for Option<A> {
    fn cross(self) -> Option<B> {
        self.map(A::cross)
    }
}

impl<A: Cross<B>, B> Cross<Vec<B>> for Vec<A> {
    fn cross(self) -> Vec<B> {
        self.into_iter().map(A::cross).collect()
    }
}

fn unreadable(what: &str) -> ApiError {
    ApiError::Invalid {
        text: format!("{what}: it was not made by this library"),
        what: what.to_owned(),
        why: "it was not made by this library".to_owned(),
    }
}

uniffi::custom_type!(PlanId, String, {
    remote,
    lower: |id| id.to_string(),
    try_lift: |text| Ok(PlanId::parse(&text).ok_or_else(|| unreadable("plan id"))?),
});

uniffi::custom_type!(EntryId, String, {
    remote,
    lower: |id| id.to_string(),
    try_lift: |text| Ok(EntryId::from_hex(&text).ok_or_else(|| unreadable("entry id"))?),
});

uniffi::custom_type!(PageKey, String, {
    remote,
    lower: |key| key.to_text(),
    try_lift: |text| Ok(PageKey::from_text(&text).ok_or_else(|| unreadable("page"))?),
});

uniffi::custom_type!(Slot, String, {
    remote,
    lower: |slot| slot.to_hex(),
    try_lift: |text| Ok(Slot::from_hex(&text).ok_or_else(|| unreadable("identity"))?),
});

uniffi::custom_type!(VisitId, String, {
    remote,
    lower: |id| id.to_string(),
    try_lift: |text| Ok(VisitId::parse(&text).ok_or_else(|| unreadable("visit id"))?),
});

static ALIVE: AtomicI64 = AtomicI64::new(0);

/// Counts an object that an app holds, for as long as it lives.
pub(crate) struct Alive(());

impl Alive {
    pub(crate) fn counted() -> Self {
        ALIVE.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

impl fmt::Debug for Alive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alive")
    }
}

/// How many devices, drafts, subscriptions, imports and cancellations are alive in this process. An app that gives back what
/// it took comes back to the number it began with.
#[uniffi::export]
pub fn objects_alive() -> i64 {
    ALIVE.load(Ordering::SeqCst)
}
