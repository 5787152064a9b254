//! What was approved of a plan, and the plan as urgent care is shown it.
//!
//! Urgent care acts on what a clinician has approved. So of decisions it is shown those that were last approved, with a mark
//! where something changed since. One thing never waits for an approval: a decision for less treatment, or against it.

use std::collections::BTreeMap;

use bedside_protocol::entry::Compartment;
use bedside_protocol::signing::sha256;

use super::codes::{self, Set};
use super::kept::{KeptDigests, mark};
use super::schema::Section;
use super::view::{
    DecisionView, Material, PlanView, ReviewView, SectionView, StandingApproval, StandingDecision, ValueView,
    by, show_decision, view,
};

/// The plan as urgent care is shown it.
#[must_use]
pub fn urgent(material: &Material<'_>) -> PlanView {
    let mut plan = view(material);
    plan.kind = "urgent";
    for section in Section::ALL.into_iter().filter(|section| section.is_decision()) {
        let shown = &mut plan.sections[usize::from(section.number())];
        let approved = approved(material, section);
        let standing: Vec<&StandingDecision> =
            material.decisions.iter().filter(|decision| decision.section == section.number()).collect();
        let is_approved = |decision: &StandingDecision| approved.iter().any(|a| a.entry == decision.entry);
        let replaced = approved.iter().filter(|a| !standing.iter().any(|s| s.entry == a.entry));
        let mut decisions: Vec<DecisionView> =
            replaced.map(|decision| show_decision(decision, section, true, false)).collect();
        let in_conflict = standing.len() > 1;
        for decision in standing {
            shown.unapproved += 1;
            if is_approved(decision) || in_conflict || reduces(section, decision, &approved) {
                shown.unapproved -= 1;
                decisions.push(show_decision(decision, section, is_approved(decision), true));
            }
        }
        shown.decisions = decisions;
    }
    plan
}

/// What the newest approvals of a section approved: of the main log without what those of the professional one replace.
pub(super) fn approved<'a>(material: &Material<'a>, section: Section) -> Vec<&'a StandingDecision> {
    let newest = || newest(shared(material), section).chain(newest(kept(material), section));
    let replaced = |id| newest().any(|approval| approval.replaced.contains(id));
    let mut all: Vec<&StandingDecision> =
        newest().filter_map(|approval| approval.decisions.get(&section)).flatten().collect();
    all.retain(|decision| !replaced(&decision.entry));
    all.sort_by_key(|decision| (decision.by.time, decision.entry));
    all.dedup_by_key(|decision| decision.entry);
    all
}

const fn shared<'a>(material: &Material<'a>) -> &'a [StandingApproval] {
    material.approvals
}

fn kept<'a>(material: &Material<'a>) -> &'a [StandingApproval] {
    material.professional.map(|kept| kept.approvals).unwrap_or_default()
}

fn newest(all: &[StandingApproval], section: Section) -> impl Iterator<Item = &StandingApproval> {
    all.iter().filter(move |approval| approval.newest_of.contains(&section))
}

/// The first and the latest approval of any of the plan.
pub(super) fn first_and_latest<'a>(
    material: &Material<'a>,
) -> (Option<&'a StandingApproval>, Option<&'a StandingApproval>) {
    let (shared, kept) = (shared(material), kept(material));
    let time = |approval: &&StandingApproval| approval.by.time;
    let first = shared.first().into_iter().chain(kept.first()).min_by_key(time);
    let latest = kept.last().into_iter().chain(shared.last()).max_by_key(time);
    (first, latest)
}

/// Whether what stands in a section was approved.
pub(super) fn review(material: &Material<'_>, section: &SectionView) -> ReviewView {
    let number = section.number;
    let of = Section::from_number(number).unwrap_or(Section::Control);
    let last = newest(kept(material), of).last().into_iter().chain(newest(shared(material), of).last());
    let Some(last) = last.max_by_key(|approval| approval.by.time) else {
        let state = match (of, section.is_empty()) {
            (Section::Control, _) | (_, true) => "empty",
            _ => "not-reviewed",
        };
        return ReviewView::new(state, None);
    };
    let as_signed = |approvals, digest: Option<&[u8; 32]>, is_empty| {
        let mut newest = newest(approvals, of).peekable();
        match newest.peek() {
            Some(_) => newest.all(|approval| approval.signed.get(&number) == digest),
            None => is_empty,
        }
    };
    let nothing_shared = section.decisions.iter().all(|decision| decision.kept_in.is_some())
        && values_of(section).all(|value| value.kept_in == mark(Compartment::Professional));
    let kept_digests = material.professional.map(|kept| kept.digests);
    let nothing_kept = kept_digests.is_none_or(|digests| !digests.filled.contains(&of));
    let kept_digest = kept_digests.and_then(|digests| digests.all.get(&of));
    let unchanged = as_signed(shared(material), material.digests.get(&of), nothing_shared)
        && as_signed(kept(material), kept_digest, nothing_kept);
    ReviewView::new(if unchanged { "approved" } else { "changed" }, Some(by(&last.by)))
}

/// Every value of a section outside its decisions.
fn values_of(section: &SectionView) -> impl Iterator<Item = &ValueView> {
    let of_items = section.lists.iter().flat_map(|list| &list.items).flat_map(|item| &item.fields);
    section.fields.iter().chain(of_items).flat_map(|field| &field.values)
}

/// Names exactly what stands: in the main log, and, where there is any of that, in the professional one.
pub(crate) fn version(digests: &BTreeMap<Section, [u8; 32]>, kept: Option<&KeptDigests>) -> String {
    let mut all: Vec<u8> = digests.values().flatten().copied().collect();
    for (section, digest) in kept.into_iter().flat_map(KeptDigests::of_filled) {
        all.push(section.number());
        all.extend(digest);
    }
    let digest = sha256(&[b"bedside plan version", &all]);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// True when a decision that nobody has approved leaves less treatment than what was approved. What cannot be compared
/// counts as less.
fn reduces(section: Section, newer: &StandingDecision, approved: &[&StandingDecision]) -> bool {
    match section {
        Section::AfterDeath => true,
        Section::Cpr => {
            let token = token(newer, Set::Cpr, "cpr.decision");
            matches!(token, None | Some("not-recommended"))
        }
        Section::Escalation => newer.fields.keys().any(|key| lowers(key, newer, approved)),
        Section::Legal => refusals(newer).any(|(key, answer)| {
            approved.is_empty()
                || approved.iter().any(|old| refusals(old).all(|known| known != (key, answer)))
        }),
        _ => false,
    }
}

fn lowers(key: &str, newer: &StandingDecision, approved: &[&StandingDecision]) -> bool {
    let (set, order): (Set, &[&str]) = match key {
        "escalation.focus" => (Set::Focus, &["comfort", "balance", "extend-life"]),
        "escalation.rationale" | "escalation.date" | "escalation.review_date" => return false,
        _ => (Set::Recommendation, &["not-recommended", "conditional", "unknown", "recommended"]),
    };
    let rank = |decision: &StandingDecision| match decision.fields.get(key) {
        None => Some(order.len() - 1),
        Some(_) => token(decision, set, key).and_then(|token| order.iter().position(|known| *known == token)),
    };
    let same = |old: &&StandingDecision| old.fields.get(key) == newer.fields.get(key);
    if !approved.is_empty() && approved.iter().all(same) {
        return false;
    }
    let Some(now) = rank(newer) else { return true };
    let conditional = order[now] == "conditional";
    let before = approved.iter().map(|old| rank(old)).min().unwrap_or(Some(order.len() - 1));
    before.is_none_or(|before| now < before || (conditional && now == before))
}

/// Every answer about an advance decision to refuse treatment, or about a document of a kind that is not known.
fn refusals(decision: &StandingDecision) -> impl Iterator<Item = (&String, &super::leaf::Answer)> {
    decision.fields.iter().filter_map(move |(key, leaf)| {
        let (item, _) = key.rsplit_once('/')?;
        let kind = token(decision, Set::Legal, &format!("{item}/kind"));
        matches!(kind, None | Some("adrt" | "adrt-life-sustaining")).then_some((key, &leaf.answer))
    })
}

/// The token of a coded answer of a set.
pub(super) fn token(decision: &StandingDecision, set: Set, key: &str) -> Option<&'static str> {
    let code = decision.code(key)?;
    codes::of(set).find(|known| known.code == code).map(|known| known.token)
}
