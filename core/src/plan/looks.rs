//! Who has looked at a plan, as its access record says; and what of that a privacy officer looks into.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use bedside_protocol::entry::{Act, Look};
use bedside_protocol::statement::Role;

use super::dates;
use super::locale::Message;
use crate::limits::PLANS_A_DAY_MAX;

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

/// Why a look is one that a privacy officer looks into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unusual {
    /// A plan was opened without consent.
    BrokenGlass,
    /// Its author's credential was not valid for it, or it does not fit the plan: it may have been somebody else.
    NotValid,
    /// The plan was taken out of this software as a file.
    Copy,
    /// The same person looked at so many plans on that day: more than [`PLANS_A_DAY_MAX`].
    ManyPlans(usize),
}

/// A look that a privacy officer looks into.
#[derive(Clone)]
pub struct Notable<P> {
    /// The plan; of looks at many, the newest.
    pub plan: P,
    /// Why.
    pub why: Unusual,
    /// The look; of looks at many, the newest.
    pub looked: Looked,
}

/// Looks at many plans, of which some are out of the ordinary.
pub struct Oversight<P> {
    notable: Vec<Notable<P>>,
    days: BTreeMap<(String, Role, Option<String>, String), Day<P>>,
}

/// What somebody looked at on one day.
struct Day<P> {
    plans: usize,
    newest: (P, Looked),
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
    looks.sort_by_cached_key(|looked| Reverse(key(looked)));
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

impl<P> Default for Oversight<P> {
    fn default() -> Self {
        Self { notable: Vec::new(), days: BTreeMap::new() }
    }
}

impl<P: Copy> Oversight<P> {
    /// Takes the looks at one plan into account. Each plan is given once.
    pub fn add(&mut self, plan: P, looks: &[Looked]) {
        let mut counted = BTreeSet::new();
        for looked in looks {
            if let Some(why) = looked.unusual() {
                self.notable.push(Notable { plan, why, looked: looked.clone() });
            }
            let whose = (looked.author.clone(), looked.role, looked.organisation.clone());
            let key = (whose.0, whose.1, whose.2, dates::show_day(looked.look.at));
            let first = counted.insert(key.clone());
            let newest = || (plan, looked.clone());
            let day = self.days.entry(key).or_insert_with(|| Day { plans: 0, newest: newest() });
            day.plans += usize::from(first);
            if looked.look.at > day.newest.1.look.at {
                day.newest = newest();
            }
        }
    }

    /// Everything out of the ordinary: what was opened without consent first, then all others, the newest first.
    #[must_use]
    pub fn finish(self) -> Vec<Notable<P>> {
        let many = self.days.into_values().filter(|day| day.plans > PLANS_A_DAY_MAX);
        let many = many.map(|Day { plans, newest: (plan, looked) }| Notable {
            plan,
            why: Unusual::ManyPlans(plans),
            looked,
        });
        let mut all: Vec<Notable<P>> = self.notable.into_iter().chain(many).collect();
        let rank = |notable: &Notable<P>| (notable.why == Unusual::BrokenGlass, notable.looked.look.at);
        all.sort_by_key(|notable| Reverse(rank(notable)));
        all
    }
}

impl Looked {
    fn unusual(&self) -> Option<Unusual> {
        match (self.look.act, &self.held) {
            (Act::BreakGlass, _) => Some(Unusual::BrokenGlass),
            (_, Some(_)) => Some(Unusual::NotValid),
            (Act::Export, None) => Some(Unusual::Copy),
            _ => None,
        }
    }
}

impl Unusual {
    /// For programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BrokenGlass => "break-glass",
            Self::NotValid => "not-valid",
            Self::Copy => "copy",
            Self::ManyPlans(_) => "many-plans",
        }
    }

    /// For people.
    #[must_use]
    pub fn message(self) -> Message {
        match self {
            Self::BrokenGlass => Message::new("unusual-glass"),
            Self::NotValid => Message::new("unusual-not-valid"),
            Self::Copy => Message::new("unusual-copy"),
            Self::ManyPlans(count) => Message::new("unusual-many-plans").with("count", count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::pages::{days_ago, looks};

    fn view(author: &str, days: u64) -> Looked {
        let mut looked = looks().swap_remove(0);
        (looked.author, looked.look.at) = (author.to_owned(), days_ago(days));
        looked
    }

    fn found(plans: &[Vec<Looked>]) -> Vec<(usize, Unusual, String)> {
        let mut oversight = Oversight::default();
        plans.iter().enumerate().for_each(|(plan, looks)| oversight.add(plan, looks));
        let notable = oversight.finish().into_iter();
        notable.map(|notable| (notable.plan, notable.why, notable.looked.author)).collect()
    }

    #[test]
    fn what_is_part_of_a_days_work_is_not_out_of_the_ordinary() {
        let usual = vec![view("Jo", 1), view("Jo", 1), view("Daniel", 2)];
        assert!(found(&vec![usual; PLANS_A_DAY_MAX]).is_empty());
    }

    #[test]
    fn broken_glass_comes_first_then_the_newest() {
        let (mut looks, mut copy) = (looks(), looks().swap_remove(7));
        (copy.held, copy.look.at) = (None, days_ago(0));
        looks.push(copy);
        assert_eq!(
            found(&[vec![view("Jo", 0)], looks]),
            [
                (1, Unusual::BrokenGlass, "Crew Seven".to_owned()),
                (1, Unusual::Copy, "Cathy Lunn".to_owned()),
                (1, Unusual::NotValid, "Cathy Lunn".to_owned()),
            ]
        );
    }

    #[test]
    fn who_looks_at_more_plans_in_a_day_than_anybody_visits_is_named_once_with_how_many() {
        let count = PLANS_A_DAY_MAX + 1;
        let plans =
            vec![vec![view("Jo", 1), view("Jo", 2), view("Jo", 1), view("Daniel", 1)]; PLANS_A_DAY_MAX];
        let more = vec![view("Jo", 1)];
        assert_eq!(found(&[plans, vec![more]].concat()), [(0, Unusual::ManyPlans(count), "Jo".to_owned())]);
    }
}
