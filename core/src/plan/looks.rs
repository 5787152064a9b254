//! Who has looked at a plan, as its access record says.

use std::collections::BTreeMap;

use bedside_protocol::entry::{Act, Look};
use bedside_protocol::statement::Role;

use super::dates;
use super::locale::Message;

/// One look, and whose it was.
#[derive(Clone, PartialEq, Eq)]
pub struct Looked {
    /// Who.
    pub author: String,
    /// What they are to the plan.
    pub role: Role,
    /// Their organisation; none for a proxy.
    pub organisation: Option<String>,
    /// What they did, and when by their device's clock.
    pub look: Look,
    /// It is in no signed entry yet.
    pub waiting: bool,
    /// Their credential was not valid for it, or it does not fit the plan: why. It may have been somebody else.
    pub held: Option<Message>,
}

/// The same act of the same person on the same day.
pub(super) struct Often<'a> {
    /// The newest of them.
    pub(super) last: &'a Looked,
    /// How many.
    pub(super) count: usize,
}

/// What counts as one: the same person, the same act, the same day.
type Same<'a> = (&'a str, Role, Option<&'a str>, bool, String, Act, Option<&'a str>);

/// Puts the newest first.
pub fn sort(looks: &mut [Looked]) {
    let key =
        |looked: &Looked| (looked.look.at, looked.author.clone(), looked.look.act, looked.look.what.clone());
    looks.sort_by_cached_key(|looked| std::cmp::Reverse(key(looked)));
}

/// Those without consent, in their order.
pub(super) fn broken_glass(looks: &[Looked]) -> Vec<&Looked> {
    looks.iter().filter(|looked| looked.look.act == Act::BreakGlass).collect()
}

/// All others, in the order of the first of each: what somebody did several times on a day is one.
pub(super) fn by_day(looks: &[Looked]) -> Vec<Often<'_>> {
    let mut known: BTreeMap<Same<'_>, usize> = BTreeMap::new();
    let mut days: Vec<Often<'_>> = Vec::new();
    for looked in looks.iter().filter(|looked| looked.look.act != Act::BreakGlass) {
        let at = *known.entry(looked.same()).or_insert(days.len());
        match days.get_mut(at) {
            Some(often) => often.count += 1,
            None => days.push(Often { last: looked, count: 1 }),
        }
    }
    days
}

impl Looked {
    fn same(&self) -> Same<'_> {
        let Look { at, act, what, .. } = &self.look;
        let (organisation, what) = (self.organisation.as_deref(), what.as_deref());
        (&self.author, self.role, organisation, self.held.is_some(), dates::show_day(*at), *act, what)
    }
}
