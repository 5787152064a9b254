//! Whether an admitted entry stands. Looks only at the entry, its author's credential, and its own past.

use std::collections::BTreeSet;

use bedside_protocol::entry::{
    Approval, Body, Compartment, Consent, Decision, Entry, Outcome, Review, Scope,
};
use bedside_protocol::ids::{EntryId, IdentityId};
use bedside_protocol::statement::{Capabilities, Credential, Role, Trust};

use super::review::Ruling;
use super::{Brought, By, HeldReason, Ledger, Node, Verdict, moment};
use crate::crdt::{ChangeHash, ChangeInfo, inspect};
use crate::limits::REVIEW_MONTHS_MAX;
use crate::plan::authority::{Target, may_write};
use crate::plan::check::{death_of, decode_decision};
use crate::plan::dates::{self, Partial};
use crate::plan::locale::Message;
use crate::plan::schema::{self, Section};

type Checked = Result<(), HeldReason>;

/// An entry on its way into the ledger.
struct Case<'a> {
    ledger: &'a Ledger,
    entry: &'a Entry,
    author: IdentityId,
    credential: &'a Credential,
    trust: &'a Trust,
    landmarks: &'a BTreeSet<EntryId>,
    /// The plan's main log, and what of it was in the entry's past. Of an entry of the main log: its own.
    plan: &'a Ledger,
    plan_landmarks: &'a BTreeSet<EntryId>,
}

/// The verdict, and the change that the entry brings if it is well-formed: a reviewer may adopt it later.
pub(super) fn judge(
    ledger: &Ledger,
    id: &EntryId,
    entry: &Entry,
    credential: &Credential,
    by: By<'_>,
) -> (Verdict, Option<Brought>) {
    let own = ledger.landmarks_before(entry);
    let of_plan = by.plan.map(|plan| plan.landmarks_at(entry.place().1));
    let case = Case {
        ledger,
        entry,
        author: credential.identity(),
        credential,
        trust: by.trust,
        landmarks: &own,
        plan: by.plan.unwrap_or(ledger),
        plan_landmarks: of_plan.as_ref().unwrap_or(&own),
    };
    if let Err(reason) = case.place(id) {
        return (Verdict::Held(reason), None);
    }
    let change = case.change();
    let verdict = match case.check(change.as_ref()) {
        Ok(()) => Verdict::Standing,
        Err(reason) => Verdict::Held(reason),
    };
    let brought = change.and_then(Result::ok);
    (verdict, brought.map(|info| Brought { hash: info.hash, deps: info.deps }))
}

impl Case<'_> {
    fn place(&self, id: &EntryId) -> Checked {
        self.compartment()?;
        if self.ledger.losers.contains(id) {
            return Err(HeldReason::Forked);
        }
        if self.ledger.broken.contains(id) {
            return Err(malformed("malformed-document"));
        }
        let Some(prev) = self.entry.prev_id() else { return Ok(()) };
        let follows = self.ledger.nodes.get(&prev).is_some_and(|node| {
            node.author == self.author && node.entry.author_seq.checked_add(1) == Some(self.entry.author_seq)
        });
        if follows && self.is_past(&prev) { Ok(()) } else { Err(malformed("malformed-previous")) }
    }

    /// It says that it belongs in this log, and what it says does.
    fn compartment(&self) -> Checked {
        let says = self.entry.compartment.is_some() == self.entry.plan_heads.is_some();
        if !says || self.entry.place().0 != self.ledger.compartment {
            return Err(malformed("malformed-compartment"));
        }
        let belongs = match self.ledger.compartment {
            Compartment::Shared => !matches!(self.entry.body, Body::Looks(_)),
            Compartment::Professional => matches!(
                self.entry.body,
                Body::Change(_) | Body::Decision(_) | Body::Review(_) | Body::Approval(_)
            ),
            Compartment::Restricted => matches!(self.entry.body, Body::Change(_) | Body::Review(_)),
            Compartment::AccessRecord => matches!(self.entry.body, Body::Looks(_)),
        };
        if belongs { Ok(()) } else { Err(malformed("malformed-kind")) }
    }

    /// What a change says of itself; an error when it can never be applied.
    fn change(&self) -> Option<Result<ChangeInfo, HeldReason>> {
        let Body::Change(change) = &self.entry.body else { return None };
        let check = || {
            let info = inspect(change, self.ledger.texts).map_err(|_| malformed("malformed-unreadable"))?;
            let line = self.ledger.line_before(self.entry);
            if info.actor != super::write::actor(&self.author, &self.ledger.log, line) {
                return Err(malformed("malformed-actor"));
            }
            if info.seq != line.changes + 1 {
                return Err(malformed("malformed-number"));
            }
            if self.ledger.changes.get(&info.hash).is_some_and(|id| self.is_past(id)) {
                return Err(malformed("malformed-repeated"));
            }
            let known = |dep| {
                self.ledger.first.has(dep) || self.ledger.changes.get(dep).is_some_and(|id| self.is_past(id))
            };
            if info.deps.iter().all(known) { Ok(info) } else { Err(HeldReason::BuildsOnHeld) }
        };
        Some(check())
    }

    fn check(&self, change: Option<&Result<ChangeInfo, HeldReason>>) -> Checked {
        self.credential_fits()?;
        self.not_from_the_person()?;
        self.alive()?;
        match &self.entry.body {
            Body::Consent(consent) => self.consent(consent),
            Body::Change(_) => {
                self.basis(Scope::Record)?;
                let info =
                    change.ok_or_else(|| malformed("malformed-no-change"))?.as_ref().map_err(Clone::clone)?;
                self.builds_on_the_plan(&info.deps)?;
                info.keys.iter().try_for_each(|key| self.may_write_key(key))
            }
            Body::Decision(decision) => {
                self.basis(Scope::Record)?;
                self.decision(decision)
            }
            Body::Grant(_) => self.grant(),
            Body::Approval(approval) => {
                self.basis(Scope::Record)?;
                self.allowed(Target::Approval)?;
                self.approval(approval)
            }
            Body::Review(review) => {
                self.basis(Scope::Record)?;
                self.allowed(Target::Review)?;
                self.review(review)
            }
            Body::Mark(mark) => {
                self.basis(Scope::Record)?;
                self.allowed(Target::Mark(mark.stage))
            }
            Body::Looks(_) => self.any_basis(),
        }
    }

    fn credential_fits(&self) -> Checked {
        let (credential, trust) = (self.credential, self.trust);
        let at = moment(self.entry);
        let organisation = trust.organisation_of(&self.entry.credential);
        let issuer = trust.credential(&credential.issuer);
        let issuers_organisation = trust.organisation_of(&credential.issuer);
        let in_time = (credential.valid_from..=credential.valid_until).contains(&at)
            && issuer.is_none_or(|i| (i.valid_from..=i.valid_until).contains(&at))
            && organisation
                .or(issuers_organisation)
                .is_none_or(|o| (o.valid_from..=o.valid_until).contains(&at));
        let for_this_plan = credential.plan.is_none_or(|plan| plan == self.plan.log);
        if in_time && for_this_plan { Ok(()) } else { Err(HeldReason::CredentialInvalid) }
    }

    /// What is kept from the person is written by nobody who must not read it.
    fn not_from_the_person(&self) -> Checked {
        let kept = matches!(self.ledger.compartment, Compartment::Professional | Compartment::Restricted);
        let role = self.credential.role;
        if kept && matches!(role, Role::Person | Role::Proxy) {
            return Err(HeldReason::NotAllowed(Message::new("held-kept-role").with("role", role)));
        }
        Ok(())
    }

    /// After a death only what is about it is written, and who looked.
    fn alive(&self) -> Checked {
        let about_death = |body: &Body| matches!(body, Body::Decision(decision) if decision.section == Section::AfterDeath.number());
        let exempt = match &self.entry.body {
            Body::Review(review) => {
                let reviewed = self.ledger.nodes.get(&review.entry);
                !review.adopt || reviewed.is_some_and(|node| about_death(&node.entry.body))
            }
            Body::Looks(_) => true,
            body => about_death(body),
        };
        if exempt || !self.plan.has_died(self.plan_landmarks) { Ok(()) } else { Err(HeldReason::AfterDeath) }
    }

    fn consent(&self, consent: &Consent) -> Checked {
        let role = self.credential.role;
        let person = matches!(role, Role::Person | Role::Proxy);
        if !person && !self.credential.capabilities.has(Capabilities::WRITE) {
            return Err(HeldReason::NotAllowed(Message::new("held-consent-role").with("role", role)));
        }
        let said = |text: &String| !text.trim().is_empty();
        let stated = consent.grounds.as_ref().is_some_and(|grounds| match consent.outcome {
            Outcome::BestInterests => said(&grounds.by) && said(&grounds.rationale),
            _ => said(&grounds.by),
        });
        let needed =
            matches!(consent.outcome, Outcome::BestInterests | Outcome::Attorney | Outcome::Representative);
        if needed && !stated { Err(HeldReason::NoGrounds) } else { Ok(()) }
    }

    /// The basis it names is the newest of its scope, and nothing that it rests on was withdrawn.
    fn basis(&self, scope: Scope) -> Checked {
        let named = self.entry.basis.ok_or(HeldReason::NoBasis)?;
        let newest = self.plan.newest_consents(self.plan_landmarks, scope);
        let record = self.plan.newest_consents(self.plan_landmarks, Scope::Record);
        let withdrawn = newest.iter().chain(&record).any(|(_, c)| c.outcome == Outcome::Withdrawn);
        if withdrawn || self.plan.is_locked_among(&self.entry.credential, self.plan_landmarks, self.trust) {
            return Err(HeldReason::ConsentWithdrawn);
        }
        if newest.iter().any(|(id, _)| *id == named) { Ok(()) } else { Err(HeldReason::NoBasis) }
    }

    /// Who looked is recorded whatever became of consent: it names one, given or withdrawn.
    fn any_basis(&self) -> Checked {
        let named = self.entry.basis.filter(|id| self.plan_landmarks.contains(id));
        named.and_then(|id| self.plan.consent(&id)).map(drop).ok_or(HeldReason::NoBasis)
    }

    fn builds_on_the_plan(&self, deps: &[ChangeHash]) -> Checked {
        let brought_by = deps.iter().filter_map(|dep| self.ledger.changes.get(dep));
        let held = brought_by.filter(|id| !self.ledger.was_part(id, self.landmarks)).count();
        if held == 0 { Ok(()) } else { Err(HeldReason::BuildsOnHeld) }
    }

    fn may_write_key(&self, key: &str) -> Checked {
        match schema::field(key) {
            Some((field, _)) if field.may_be_in(self.ledger.compartment) => {
                self.allowed(Target::Field(field))
            }
            Some((field, _)) => {
                let why = Message::new("malformed-field-compartment").with("what", field);
                Err(HeldReason::Malformed(why))
            }
            // A field of a newer version: kept, and left to those who write anything at all.
            None if self.credential.capabilities.has(Capabilities::WRITE) => Ok(()),
            None => Err(not_allowed("held-newer-field")),
        }
    }

    fn decision(&self, decision: &Decision) -> Checked {
        self.allowed(target(decision)?)?;
        if decision.section == Section::AfterDeath.number() && self.ledger.compartment != Compartment::Shared
        {
            return Err(malformed("malformed-death"));
        }
        if let Some(endorsed) = decision.endorses
            && (!decision.supersedes.is_empty() || !self.is_past(&endorsed))
        {
            return Err(malformed("malformed-endorsement"));
        }
        if self.takes_back(decision)? { self.stands_in_its_place(decision.section) } else { Ok(()) }
    }

    /// True for a decision that only takes back what was kept from the person.
    fn takes_back(&self, decision: &Decision) -> Result<bool, HeldReason> {
        let fields = decode_decision(&decision.content).map_err(|_| malformed("malformed-unreadable"))?;
        let kept = self.ledger.compartment == Compartment::Professional;
        Ok(kept && fields.is_empty() && decision.endorses.is_none())
    }

    /// What was kept from the person is taken back only once the main log says what holds instead.
    fn stands_in_its_place(&self, section: u8) -> Checked {
        let (_, heads) = self.entry.place();
        let (known, own) = (self.plan.past_of(heads), self.ledger.past_of(&self.entry.parents));
        let stood = |id: &EntryId| known.contains(id) && self.plan.was_part(id, self.plan_landmarks);
        let kept = |id: &EntryId| own.contains(id) && self.ledger.was_part(id, self.landmarks);
        let replaced = self.ledger.replaces_in(self.plan, section, kept);
        let standing = self.plan.decisions_among(section, stood);
        if standing.iter().all(|standing| replaced.contains(&standing.entry)) {
            return Err(malformed("malformed-taken-back"));
        }
        Ok(())
    }

    fn grant(&self) -> Checked {
        self.basis(Scope::Share)?;
        if self.ledger.is_the_persons_own(self.landmarks, self.trust) {
            return Err(not_allowed("held-grant-unapproved"));
        }
        if self.credential.capabilities.has(Capabilities::SHARE) {
            Ok(())
        } else {
            let role = self.credential.role;
            Err(HeldReason::NotAllowed(Message::new("held-grant-role").with("role", role)))
        }
    }

    fn approval(&self, approval: &Approval) -> Checked {
        let known = |section: u8| Section::from_number(section).is_some_and(|s| s != Section::Control);
        if !approval.sections.iter().all(|approved| known(approved.section)) {
            return Err(malformed("malformed-approval"));
        }
        let Some(review_on) = &approval.review_on else { return Ok(()) };
        let day = Partial::parse(review_on).filter(|day| day.is_a_day());
        let last = dates::day(moment(self.entry)).and_then(|today| today.plus_months(REVIEW_MONTHS_MAX));
        match day.zip(last) {
            Some((day, last)) if day <= last => Ok(()),
            _ => {
                let months = usize::try_from(REVIEW_MONTHS_MAX).unwrap_or_default();
                Err(HeldReason::NotAllowed(Message::new("held-review-day").with("months", months)))
            }
        }
    }

    fn review(&self, review: &Review) -> Checked {
        let Some(node) = self.ledger.nodes.get(&review.entry).filter(|_| self.is_past(&review.entry)) else {
            return Err(malformed("malformed-review"));
        };
        if node.author == self.author {
            return Err(not_allowed("held-own-review"));
        }
        let settled = self.ledger.ruling(&review.entry, Some(self.landmarks)) == Ruling::Adopted;
        if node.verdict == Verdict::Standing || settled {
            return Err(malformed("malformed-settled"));
        }
        if review.adopt { self.may_adopt(node) } else { Ok(()) }
    }

    /// Nobody adopts what they might not have written themself.
    fn may_adopt(&self, node: &Node) -> Checked {
        let cannot = |why| Err(not_allowed(why));
        match (&node.verdict, &node.entry.body) {
            (Verdict::Held(HeldReason::Forked | HeldReason::Malformed(_)), _) => cannot("held-adopts-broken"),
            (_, Body::Decision(decision)) => {
                self.allowed(target(decision)?)?;
                let in_place =
                    !self.takes_back(decision)? || self.stands_in_its_place(decision.section).is_ok();
                if in_place { Ok(()) } else { cannot("held-adopts-taken-back") }
            }
            (_, Body::Change(change)) => {
                let Some(brought) = &node.change else {
                    return cannot("held-adopts-missing");
                };
                let info =
                    inspect(change, self.ledger.texts).map_err(|_| malformed("malformed-unreadable"))?;
                info.keys.iter().try_for_each(|key| self.may_write_key(key))?;
                let builds = self.builds_on_the_plan(&brought.deps);
                builds.or_else(|_| cannot("held-adopts-too-early"))
            }
            _ => cannot("held-adopts-other"),
        }
    }

    fn allowed(&self, target: Target) -> Checked {
        may_write(self.credential.role, self.credential.capabilities, target)
            .map_err(|refusal| HeldReason::NotAllowed(refusal.message()))
    }

    fn is_past(&self, id: &EntryId) -> bool {
        self.ledger.precedes(id, &self.entry.parents)
    }
}

fn target(decision: &Decision) -> Result<Target, HeldReason> {
    let number = decision.section;
    let unknown =
        || HeldReason::Malformed(Message::new("malformed-section").with("number", usize::from(number)));
    let section = Section::from_number(number).ok_or_else(unknown)?;
    Ok(match decision.endorses {
        Some(_) => Target::Endorsement(section),
        None => Target::Decision(section),
    })
}

const fn malformed(why: &'static str) -> HeldReason {
    HeldReason::Malformed(Message::new(why))
}

const fn not_allowed(why: &'static str) -> HeldReason {
    HeldReason::NotAllowed(Message::new(why))
}

impl Ledger {
    /// True when, for somebody who had seen these landmarks, the person had died: a decision says when, and no later one
    /// takes it back.
    pub(super) fn has_died(&self, landmarks: &BTreeSet<EntryId>) -> bool {
        let section = Section::AfterDeath.number();
        let any = landmarks.iter().any(|id| self.is_about(id, section));
        any && self
            .decisions_among(section, |id| landmarks.contains(id) && self.was_part(id, landmarks))
            .iter()
            .any(|standing| death_of(&standing.decision.content).is_some())
    }

    /// True for an entry that records a death, or takes one back.
    #[must_use]
    pub fn is_about_death(&self, id: &EntryId) -> bool {
        self.is_about(id, Section::AfterDeath.number())
    }

    fn is_about(&self, id: &EntryId, section: u8) -> bool {
        let body = self.nodes.get(id).map(|node| &node.entry.body);
        matches!(body, Some(Body::Decision(decision)) if decision.section == section)
    }
}
