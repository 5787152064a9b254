//! Who looked at a plan, what is shown only when it is asked for, and reading without consent.

use bedside_protocol::cbor;
use bedside_protocol::entry::{Act, Body, Compartment, Look, Reason, Why};
use bedside_protocol::ids::{LogId, Timestamp};
use bedside_protocol::limits::LOOK_TEXT_BYTES_MAX;
use bedside_protocol::statement::{Capabilities, Role};
use minicbor::{Decode, Encode};
use serde::Serialize;

use super::plans::PlanId;
use super::{ApiError, App};
use crate::driver::DriverError;
use crate::driver::open_vault::{OpenVault, name};
use crate::ledger::Verdict;
use crate::ledger::replica::Backlog;
use crate::limits::{ACCESS_ROWS_MAX, BROKEN_GLASS_MS};
use crate::plan::authority::{Target, may_write};
use crate::plan::locale::{Locale, Message};
use crate::plan::looks::{Looked, sort};
use crate::plan::page::{Audience, Page};
use crate::plan::schema::{self, Part};
use crate::plan::view::{AsOf, GlassView, Material, PlanView, ValueView};
use crate::plan::withheld::{opened, reveal};
use crate::plan::words;

/// One look at a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccessRow {
    /// The device's clock, in milliseconds since 1970.
    pub at: u64,
    /// Who.
    pub author: String,
    /// Their role.
    pub role: String,
    /// Their organisation.
    pub organisation: Option<String>,
    /// `view`, `reveal`, `print`, `export` or `break-glass`.
    pub act: &'static str,
    /// Of what: a field's key or an export's format; none for the plan as a whole.
    pub what: Option<String>,
    /// `emergency-treatment`, `safeguarding` or `legal-duty`, where a reason was asked for.
    pub reason: Option<&'static str>,
    /// The reason in words.
    pub why: Option<String>,
    /// In words.
    pub text: String,
    /// It is this device's, and in no signed entry yet.
    pub waiting: bool,
    /// Its author's credential was not valid for it, or it does not fit the plan: why.
    pub held: Option<String>,
}

/// Glass that was broken on this device, as the vault keeps it.
#[derive(Encode, Decode)]
#[cbor(map)]
struct Glass {
    #[n(0)]
    since: Timestamp,
    #[n(1)]
    why: Why,
}

impl App {
    /// Who looked at the plan, the newest first; at most 1,000 looks.
    ///
    /// For whoever may read the plan. While it is locked for their organisation, for its privacy officer alone.
    pub fn access_record(&self, plan: PlanId) -> Result<Vec<AccessRow>, ApiError> {
        let locale = self.locale();
        let mut looks = self.looks_at(plan)?;
        looks.truncate(ACCESS_ROWS_MAX);
        Ok(looks.into_iter().map(|looked| AccessRow::of(looked, &locale)).collect())
    }

    /// Every look at a plan that is known of here, the newest first.
    pub(super) fn looks_at(&self, plan: PlanId) -> Result<Vec<Looked>, ApiError> {
        self.is_here(plan)?;
        let open = self.vault()?;
        let pending = open.pending_looks(plan.0)?;
        let own = self.identity();
        let mut books = open.books();
        let oversees = books.may(Capabilities::OVERSEE);
        if !oversees
            && books.is_locked(&open.vault, plan.0)?
            && glass(&open, plan.0, self.device.now())?.is_none()
        {
            return Err(super::plans::locked_out());
        }
        let mut looks = Vec::new();
        for (_, log) in
            books.beside(&open.vault, plan.0)?.into_iter().filter(|(c, _)| *c == Compartment::AccessRecord)
        {
            let (replica, trust) = books.replica_and_trust(&open.vault, log)?;
            for (id, entry, verdict) in replica.ledger().in_order() {
                let (Body::Looks(of_entry), Some(by)) = (&entry.body, replica.provenance(&id, trust)) else {
                    continue;
                };
                let held = match verdict {
                    Verdict::Held(reason) => Some(reason.message()),
                    Verdict::Standing => None,
                };
                looks.extend(of_entry.iter().map(|look| Looked {
                    author: by.author.clone(),
                    role: by.role,
                    organisation: by.organisation.clone(),
                    look: look.clone(),
                    waiting: false,
                    held: held.clone(),
                }));
            }
        }
        if let Some(own) = own {
            looks.extend(pending.into_iter().map(|look| Looked {
                author: own.name.clone(),
                role: own.role,
                organisation: own.organisation.clone(),
                look,
                waiting: true,
                held: None,
            }));
        }
        sort(&mut looks);
        Ok(looks)
    }

    /// A view as a page for a kind of reader. The person's has who looked at its end.
    pub(super) fn page_of(
        &self,
        plan: PlanId,
        view: &PlanView,
        audience: Audience,
    ) -> Result<Page, ApiError> {
        let locale = self.locale();
        let page = Page::in_language(view, audience, &locale);
        Ok(match (audience, view.kind) {
            (Audience::Person, "full") => page.with_looks(view, &self.looks_at(plan)?, &locale),
            _ => page,
        })
    }

    /// Shows a field that views withhold, such as the key-safe code. It is recorded, durably, before it is shown.
    ///
    /// Errors: [`ApiError::Invalid`] for a field that is not withheld, [`ApiError::NotFound`] when this device holds no
    /// answer.
    pub fn reveal(&self, plan: PlanId, key: &str) -> Result<Vec<ValueView>, ApiError> {
        let restricted = |(field, _): &(&schema::Field, Part)| field.may_be_in(Compartment::Restricted);
        let Some((field, _)) = schema::field(key).filter(restricted) else {
            return Err(ApiError::invalid(key, "it is not withheld; the plan shows it"));
        };
        self.with_replica(plan, |_, _| Ok(()))?;
        let open = self.vault()?;
        let at = self.device.moment()?;
        let values = {
            let mut books = open.books();
            let family = books.family(&open.vault, plan.0)?;
            let as_of = AsOf { now: at.now, last_contact: at.relay_time };
            let show = |material: &Material<'_>| reveal(material, key);
            family.main.material_with(&family.beside, family.trust, as_of, Backlog::default(), show)
        };
        if values.is_empty() {
            return Err(ApiError::NotFound { what: format!("answer for \"{}\"", field.label) });
        }
        let look = Look { at: at.now, act: Act::Reveal, what: Some(key.to_owned()), why: None };
        open.look_and_wait(plan.0, &look)?;
        let locale = self.locale();
        Ok(values.into_iter().map(|value| value.in_language(key, &locale)).collect())
    }

    /// Records that the plan was printed. The app calls it when it hands the pages to a printer.
    pub fn record_print(&self, plan: PlanId) -> Result<(), ApiError> {
        self.with_replica(plan, |_, _| Ok(()))?;
        self.looked_and_wait(plan, Act::Print, None)
    }

    /// Opens a plan that is locked because consent was withdrawn, for this device's person and an hour. It is recorded before
    /// anything is shown, every view says so while it lasts, and the person and the organisation's privacy officer can see
    /// it.
    ///
    /// Errors: [`ApiError::NotAllowed`] for roles that may not, and for a plan that is not locked; [`ApiError::Invalid`]
    /// without a reason in words.
    pub fn break_glass(&self, plan: PlanId, reason: Reason, text: &str) -> Result<(), ApiError> {
        self.is_here(plan)?;
        let text = text.trim();
        if text.is_empty() || text.len() > LOOK_TEXT_BYTES_MAX {
            let why = format!("say why, in 1 to {LOOK_TEXT_BYTES_MAX} bytes; the person reads it");
            return Err(ApiError::invalid("reason", why));
        }
        let open = self.vault()?;
        open.standing()?;
        let at = self.device.moment()?;
        {
            let mut books = open.books();
            if !books.is_locked(&open.vault, plan.0)? {
                return Err(ApiError::not_allowed(Message::new("refused-not-locked")));
            }
            let role = books.role().unwrap_or(Role::Administrator);
            may_write(role, Capabilities::default(), Target::BreakGlass)
                .map_err(|refusal| ApiError::not_allowed(refusal.message()))?;
        }
        let why = Why { reason, text: text.to_owned() };
        let glass = cbor::encode(&Glass { since: at.now, why: why.clone() });
        let look = Look { at: at.now, act: Act::BreakGlass, what: None, why: Some(why) };
        open.look_and_wait(plan.0, &look)?;
        let key = glass_name(&open, plan.0);
        open.vault.write(move |tx| tx.put_meta(&key, &glass)).map_err(DriverError::Store)?;
        self.device.send_looks();
        self.send_first(plan);
        Ok(())
    }

    /// Puts what waits to be sent of a plan before everything else: a death, a withdrawal, broken glass.
    pub(super) fn send_first(&self, plan: PlanId) {
        if let Err(error) = self.put_first_in_line(plan) {
            tracing::warn!(%error, "it cannot be put first in line; it is sent all the same");
        }
    }

    fn put_first_in_line(&self, plan: PlanId) -> Result<(), ApiError> {
        let open = self.vault()?;
        let mut logs = vec![plan.0];
        logs.extend(open.books().beside(&open.vault, plan.0)?.into_iter().map(|(_, log)| log));
        for log in logs {
            open.post_first(&log, &self.device.mailbox)?;
        }
        Ok(self.post()?)
    }

    /// Keeps a look at a plan, without waiting for the disk. The person is not recorded in their own plan.
    pub(super) fn looked(&self, plan: PlanId, act: Act, what: Option<&str>) -> Result<(), ApiError> {
        let open = self.vault()?;
        if open.books().role() != Some(Role::Person) {
            open.look(plan.0, Look { at: self.device.now(), act, what: what.map(str::to_owned), why: None })?;
        }
        Ok(())
    }

    /// The same, durably: for what leaves the device.
    pub(super) fn looked_and_wait(&self, plan: PlanId, act: Act, what: Option<&str>) -> Result<(), ApiError> {
        let open = self.vault()?;
        if open.books().role() != Some(Role::Person) {
            let what = what.map(str::to_owned);
            open.look_and_wait(plan.0, &Look { at: self.device.now(), act, what, why: None })?;
        }
        Ok(())
    }

    /// True when this device's person may read the plan: it is not locked for them, or they broke the glass.
    pub(super) fn may_read(&self, plan: PlanId) -> Result<bool, ApiError> {
        let open = self.vault()?;
        let locked = open.books().is_locked(&open.vault, plan.0)?;
        Ok(!locked || glass(&open, plan.0, self.device.now())?.is_some())
    }

    /// The mark of broken glass on a view, while it lasts.
    pub(super) fn marked(&self, plan: PlanId, view: PlanView) -> Result<PlanView, ApiError> {
        Ok(match glass(&*self.vault()?, plan.0, self.device.now())? {
            Some(glass) => opened(view, glass),
            None => view,
        })
    }
}

/// Glass that was broken on this device and is open still. A clock set back closes it.
pub(super) fn glass(open: &OpenVault, plan: LogId, now: Timestamp) -> Result<Option<GlassView>, ApiError> {
    let kept = open.vault.read(|read| read.meta(&glass_name(open, plan))).map_err(DriverError::Store)?;
    let glass = kept.and_then(|bytes| cbor::decode::<Glass>(&bytes).ok());
    let lasts = |glass: &Glass| glass.since <= now && now.since(glass.since) < BROKEN_GLASS_MS;
    Ok(glass.filter(lasts).map(|glass| {
        GlassView::new(words::reason(glass.why.reason), glass.why.text, glass.since.plus_ms(BROKEN_GLASS_MS))
    }))
}

/// Glass is broken for one identity, whoever else unlocks the same device.
fn glass_name(open: &OpenVault, plan: LogId) -> String {
    format!("{}{}.{plan}", name::GLASS, open.keys.identity)
}

impl AccessRow {
    pub(super) fn of(looked: Looked, locale: &Locale) -> Self {
        let Looked { author, role, organisation, look, waiting, held } = looked;
        let act = match look.act {
            Act::View => "view",
            Act::Reveal => "reveal",
            Act::Print => "print",
            Act::Export => "export",
            Act::BreakGlass => "break-glass",
        };
        Self {
            at: look.at.0,
            author,
            role: role.name().to_owned(),
            organisation,
            act,
            text: words::look(&look).say(locale),
            reason: look.why.as_ref().map(|why| words::reason(why.reason)),
            why: look.why.map(|why| why.text),
            what: look.what,
            waiting,
            held: held.map(|why| why.say(locale)),
        }
    }
}
