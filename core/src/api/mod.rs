//! What an app calls. Thin: it checks what comes in, calls the part that does the work, and says what went wrong by what
//! the app does next.
//!
//! Calls block: reads take milliseconds, a save takes one durable write. What needs the network says so in its name or
//! its documentation and can be cancelled. Nothing here needs the caller to run a runtime.
//!
//! What is said of a plan is said in the language of the host ([`Language`]); what goes to other programs is not.
//!
//! ```no_run
//! # use bedside_core::api::*;
//! # fn main() -> Result<(), ApiError> {
//! let app = App::open("profile".as_ref(), Host::desktop("keys".as_ref()))?;
//! app.unlock("271828")?;
//! for row in app.plans(None, 50)?.rows {
//!     println!("{}, {}", row.family, row.given);
//! }
//! # Ok(())
//! # }
//! ```

mod access;
mod app;
mod approval;
mod draft;
mod enrolment;
mod error;
mod export;
mod from;
mod host;
mod identities;
mod lifecycle;
pub mod network;
mod notebook;
mod oversight;
mod past;
mod plans;
mod sync;
mod worklists;

pub use access::AccessRow;
pub use app::{App, Clocks, DeviceStatus, Identity};
pub use approval::{HeldRow, HeldState, ReviewRow};
pub use draft::{Draft, Saved};
pub use enrolment::{EnrolStep, InviteSpec};
pub use error::ApiError;
pub use export::{ExportFormat, Import, ImportEdit, Proposal, Proposed};
pub use host::{FileKeyStore, desktop_host};
pub use identities::{IdentityRow, Slot};
pub use notebook::{HandedOver, NotebookRow};
pub use oversight::{Oversight, OversightRow};
pub use past::{At, FieldHistoryRow};
pub use plans::{
    ConsentSpec, Found, HistoryRow, NewPlan, PlanId, PlanList, PlanListRow, Reader, ReceiptState, Receipts,
    Started, read_patient,
};
pub use sync::{Cancel, SyncReport};
pub use worklists::{NewVisit, Visit, VisitId, Worklist, WorklistCounts, WorklistPage, WorklistRow};

/// A plan as it is shown, part by part.
pub mod view {
    pub use crate::plan::banner::Banner;
    pub use crate::plan::control::ControlView;
    pub use crate::plan::view::{
        Alert, AsOfView, By, ConsentView, DecisionView, FieldView, GlassView, GroundsView, ItemView,
        ListView, PlanView, ReviewView, SectionView, ValueView,
    };
}

pub use crate::driver::device::Host;
pub use crate::driver::observe::{Event, Subscription};
pub use crate::driver::repair::Repair;
pub use crate::engine::Status;
pub use crate::fhir::Demographics;
pub use crate::plan::codes::{Code, of as choices};
pub use crate::plan::compare::Difference;
pub use crate::plan::leaf::{Answer, Coded, Leaf, Source};
pub use crate::plan::locale::{Locale, LocaleError, Message};
pub use crate::plan::page::{Audience, Page};
pub use crate::plan::schema::{Class, FIELDS, Field, Kind, Section};
pub use crate::plan::view::PlanView;
pub use crate::ports::{Clock, KeyStore, KeyStoreError, Language, SystemClock};
pub use crate::store::PageKey;
pub use bedside_protocol::entry::{Compartment, Grounds, Outcome, Reason, Scope, Stage};
pub use bedside_protocol::ids::{EntryId, Timestamp};
pub use bedside_protocol::statement::{Capabilities, Role};
