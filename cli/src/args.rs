//! The commands and their help.

mod access;
mod documents;
mod joining;
mod rules;
mod worklists;

use std::path::PathBuf;
use std::str::FromStr;

use bedside_core::api::{Outcome, PlanId, Scope, Source};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use access::{Looking, Notebook};
pub(crate) use documents::{Format, KeepInArg, ReaderArg};
pub(crate) use joining::{Identity, Invite, Network, Organisation, Pin};
pub(crate) use rules::{Approve, Deciding, GroundsArgs, StageArg, When};
pub(crate) use worklists::{Caseload, Day, Visit, WorklistArgs};

/// Care plans that work without a network, on this computer.
///
/// A profile is one device. Everything it knows is encrypted under its PIN.
#[derive(Parser)]
#[command(
    name = "bedside",
    version,
    max_term_width = 80,
    propagate_version = true,
    after_help = "Examples:\n  \
        bedside demo                       the whole story, in under a minute\n  \
        bedside init                       make a device\n  \
        bedside plan list --search smith   find a plan\n  \
        bedside --json status              for programs\n\n\
        The PIN comes from BEDSIDE_PIN, from the first line of standard input with\n\
        --pin-stdin, or is asked for.\n\
        Exit codes: 0 done, 1 failed, 2 wrong command line."
)]
pub(crate) struct Cli {
    /// Answer in JSON: one value on standard output, errors on standard error
    #[arg(long, global = true, help_heading = "With every command")]
    pub(crate) json: bool,
    /// Which device: a name, or the path of its folder
    #[arg(
        long,
        global = true,
        help_heading = "With every command",
        env = "BEDSIDE_PROFILE",
        value_name = "NAME|PATH"
    )]
    pub(crate) profile: Option<String>,
    /// Whose PIN it is, where several people share the device: see `identity list`
    #[arg(
        long,
        global = true,
        help_heading = "With every command",
        env = "BEDSIDE_IDENTITY",
        value_name = "NAME"
    )]
    pub(crate) identity: Option<String>,
    /// Say what is said of a plan in another language: a folder of message files, named by the language's tag
    #[arg(
        long,
        global = true,
        help_heading = "With every command",
        env = "BEDSIDE_LANGUAGE",
        value_name = "FOLDER"
    )]
    pub(crate) language: Option<PathBuf>,
    /// Read the PIN from the first line of standard input
    #[arg(long, global = true, help_heading = "With every command")]
    pub(crate) pin_stdin: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a new device in this profile
    #[command(after_help = "Examples:\n  \
        bedside init\n  \
        bedside --profile ward-tablet init\n  \
        BEDSIDE_PIN=271828 bedside --profile /media/stick/device init")]
    Init,
    /// Forget what unlocked this device: the PIN is asked again
    #[command(after_help = "Examples:\n  bedside lock")]
    Lock,
    /// Unlock once and ask for no PIN for some minutes
    #[command(after_help = "Examples:\n  bedside unlock\n  bedside unlock --minutes 30")]
    Unlock {
        /// For how long, in minutes, a day at most
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1440))]
        minutes: u64,
    },
    /// This device's PIN
    #[command(subcommand, after_help = "Examples:\n  bedside pin change")]
    Pin(Pin),
    /// The people who share this device, each with a PIN of their own
    #[command(
        subcommand,
        after_help = "Examples:\n  \
        bedside identity list\n  \
        bedside identity rename Amira\n  \
        bedside identity add Ben\n  \
        bedside --identity Ben enrol bedside:pGVyZWxheQ...\n\n\
        Everybody signs as themself and reads the same plans. Wrong PINs of one lock\n\
        nobody else out. The names are kept in clear, for the locked screen."
    )]
    Identity(Identity),
    /// How things are on this device
    #[command(after_help = "Examples:\n  bedside status\n  bedside --json status")]
    Status,
    /// Check this device's data; what is damaged is moved aside and made anew
    #[command(after_help = "Examples:\n  \
        bedside repair\n\n\
        Nothing is deleted. What cannot be read here comes back with the next sync, if\n\
        the relay has it.")]
    Repair,
    /// The network operator's part: keys and signing organisations, offline
    #[command(
        subcommand,
        after_help = "Examples:\n  \
        bedside network create --file network.key --relay https://relay.example\n  \
        bedside network sign --file network.key --request x.req --out x.charter"
    )]
    Network(Network),
    /// Join a network as an organisation
    #[command(
        subcommand,
        after_help = "Examples:\n  \
        bedside organisation request --name 'Willow House' --ods VL900 --out x.req\n  \
        bedside organisation accept --charter x.charter --name 'Pat Green'\n  \
        bedside organisation list"
    )]
    Organisation(Organisation),
    /// Invite a colleague, or a person to their own plan
    #[command(after_help = "Examples:\n  \
        bedside invite --name 'Amira Khan' --role nurse\n  \
        bedside invite --name 'Jane Smith' --role person --plan '900 000 0009'\n  \
        bedside invite --name 'Ola West' --role administrator --may oversee\n\n\
        The invitation is for one device, once. Whoever made it has to be online once\n\
        after it was answered (`bedside sync`).")]
    Invite(Invite),
    /// Answer an invitation
    #[command(after_help = "Examples:\n  \
        bedside enrol bedside:pGVyZWxheQ...\n  \
        bedside enrol - --wait 600 < invitation.txt\n\n\
        Ctrl-C stops waiting; the same command goes on later.")]
    Enrol {
        /// The text of the invitation, or - to read it from standard input
        invitation: String,
        /// How long to wait for whoever invited, in seconds
        #[arg(long, default_value_t = 120, value_name = "SECONDS")]
        wait: u64,
    },
    /// Start, read and change care plans
    #[command(
        subcommand,
        after_help = "Examples:\n  \
        bedside plan list --search smith\n  \
        bedside plan show '900 000 0009'\n  \
        bedside plan edit 9000000009 set preferences.place_of_death_1 home"
    )]
    Plan(Box<Plan>),
    /// What there is to do: today's visits, reviews due, plans in conflict ...
    #[command(after_help = "Examples:\n  \
        bedside worklist                    how long each list is\n  \
        bedside worklist visits\n  \
        bedside worklist changed --limit 10\n  \
        bedside --json worklist reviews")]
    Worklist(WorklistArgs),
    /// Who opened plans without consent or looked out of the ordinary, for privacy officers
    #[command(after_help = "Examples:\n  \
        bedside oversee\n  \
        bedside --json oversee --days 90\n\n\
        Broken glass first; then looks that are not valid, plans taken out as files, and\n\
        who looked at more than 40 plans in a day. For whoever was invited with\n\
        `--may oversee`.")]
    Oversee {
        /// How many days back
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=366))]
        days: u64,
    },
    /// The plans that you have taken on; nobody else is told
    #[command(
        subcommand,
        after_help = "Examples:\n  bedside caseload add 9000000009\n  bedside caseload list"
    )]
    Caseload(Caseload),
    /// The visits that you plan; nobody else is told
    #[command(
        subcommand,
        after_help = "Examples:\n  \
        bedside visit add 9000000009 --day tomorrow --time 10:30\n  \
        bedside visit list --day today"
    )]
    Visit(Visit),
    /// Note your own wishes before you have a plan: on this device, for you alone
    #[command(
        subcommand,
        after_help = "Examples:\n  \
        bedside notebook set wishes.most_value 'My garden, and quiet.'\n  \
        bedside notebook hand-over 9000000009"
    )]
    Notebook(Notebook),
    /// Send what is saved here and fetch what others saved, once
    #[command(after_help = "Examples:\n  \
        bedside sync\n  \
        bedside sync --locked     without a PIN; what comes is opened later")]
    Sync {
        /// Do not unlock: what comes is stored sealed, and opened later
        #[arg(long)]
        locked: bool,
    },
    /// Stay in step and say what happens, until Ctrl-C
    #[command(after_help = "Examples:\n  bedside watch\n  bedside --json watch")]
    Watch,
    /// Show the whole story with real processes on this computer
    #[command(after_help = "Examples:\n  \
        bedside demo\n  \
        bedside demo --dir demo-data --relay-binary target/debug/bedside-relay")]
    Demo {
        /// A new folder for the devices and the relay
        #[arg(long)]
        dir: Option<PathBuf>,
        /// The relay's program; by default `bedside-relay` beside this one
        #[arg(long, env = "BEDSIDE_RELAY")]
        relay_binary: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Plan {
    /// Start a plan; there is none without consent or another lawful basis
    #[command(
        override_usage = "bedside plan new <--fhir FILE | --nhs NUMBER> --consent HOW [OPTIONS]\n       \
            bedside plan new <--fhir FILE | --nhs NUMBER> --basis BASIS [OPTIONS]",
        after_help = "Examples:\n  \
        bedside plan new --fhir patient.json --consent 'in person, at home'\n  \
        bedside plan new --nhs '900 000 0009' --family Smith --given Jane \\\n    \
        --born 1952-05-31 --consent 'by telephone' --share 'with Willow House'\n  \
        bedside plan new --nhs 9000000009 --basis best-interests --note 'at home' \\\n    \
        --by 'Dr Bell' --consulted 'her son' --why 'she needs a plan'"
    )]
    New(Box<NewPlan>),
    /// List the plans on this device, by name
    #[command(after_help = "Examples:\n  bedside plan list\n  bedside plan list --search 'smith willow'")]
    List {
        /// How many at most
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Only those whose name, NHS number or place begins with each word; then similar names
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
    },
    /// Show a plan as it stands on this device
    #[command(after_help = "Examples:\n  \
        bedside plan show '900 000 0009'\n  \
        bedside plan show 9000000009 --as urgent\n  \
        bedside plan show 9000000009 --as summary --json\n  \
        bedside plan show 9000000009 --at 2026-11-01\n  \
        bedside plan show 9000000009 --json\n\n\
        Without --as you see the page for your role; --json is then every answer with\n\
        where it comes from, and with --as the page.")]
    Show {
        /// NHS number, or the plan's id
        plan: PlanArg,
        /// For whom
        #[arg(long = "as", value_enum, value_name = "READER")]
        reader: Option<ReaderArg>,
        /// As it once stood: after an entry, at a time, or at the end of a day
        #[arg(long, value_name = "WHEN")]
        at: Option<When>,
        /// As text for people (the default)
        #[arg(long, conflicts_with = "json")]
        text: bool,
    },
    /// Write a plan as a page for a browser and for A4 paper
    #[command(after_help = "Examples:\n  \
        bedside plan print 9000000009 --as summary --output jane.html\n  \
        bedside plan print 9000000009 --as person --output for-jane.html --force\n\n\
        Open the file in a browser to print it, or to save it as PDF. It is there whole\n\
        or not at all, for its owner only. It is not encrypted. The key-safe code is not\n\
        in it, and what is kept from the person only with --with-professional; a page for\n\
        the person never has it.")]
    Print {
        /// NHS number, or the plan's id
        plan: PlanArg,
        /// For whom; by default for your role
        #[arg(long = "as", value_enum, value_name = "READER")]
        reader: Option<ReaderArg>,
        /// With what professionals keep from the person, marked as such
        #[arg(long)]
        with_professional: bool,
        /// The file; without it, standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Replace the file if it is there
        #[arg(long, requires = "output")]
        force: bool,
    },
    /// Change a plan; each command is saved before it answers
    #[command(after_help = "Examples:\n  \
        bedside plan edit 9000000009 set preferences.place_of_death_1 home\n  \
        bedside plan edit 9000000009 text wishes.about_me 'I taught music.'\n  \
        bedside plan edit 9000000009 add contact name='Anna Smith' phone_1=01632960001\n  \
        bedside plan edit 9000000009 decide cpr decision=not-recommended\n  \
        bedside plan edit 9000000009 --keep-in professional decide prognosis \\\n    \
        estimate=last-months person_aware=no\n  \
        bedside plan edit 9000000009 disclose prognosis person_aware=yes\n  \
        bedside plan edit 9000000009 --stdin < edits.txt\n\n\
        `bedside plan fields` lists every key with its choices. Any field may instead be\n\
        answered by asked-none, declined or unable-to-express.\n\
        With --stdin each line is one change: set KEY VALUE, text KEY TEXT,\n\
        add LIST FIELD=VALUE ..., or decide SECTION FIELD=VALUE ... It is saved at once\n\
        and answered by `saved N` or `refused: why`.")]
    Edit(Edit),
    /// List the fields of a plan with their choices
    #[command(after_help = "Examples:\n  bedside plan fields\n  bedside plan fields cpr")]
    Fields {
        /// One section only, such as cpr or what-matters
        section: Option<String>,
    },
    /// Write a plan to a file or to standard output
    #[command(after_help = "Examples:\n  \
        bedside plan export 9000000009 --format fhir --output jane.fhir.json\n  \
        bedside plan export 9000000009 --format csv --output jane.csv\n  \
        bedside plan export '900 000 0009' --format text --output bedside-copy.txt\n  \
        bedside plan export 9000000009 --format fhir --with-professional --output for-gp.json\n\n\
        The file is there whole or not at all, for its owner only, and never replaces\n\
        another without --force. It is not encrypted. The key-safe code is not in it, and\n\
        what is kept from the person only with --with-professional; in FHIR it is labelled\n\
        NOPAT, no disclosure to the patient.")]
    Export {
        /// NHS number, or the plan's id
        plan: PlanArg,
        /// What to write
        #[arg(long, value_enum, default_value_t = Format::Json)]
        format: Format,
        /// With what professionals keep from the person, marked as such
        #[arg(long)]
        with_professional: bool,
        /// The file; without it, standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Replace the file if it is there
        #[arg(long, requires = "output")]
        force: bool,
    },
    /// Read a FHIR document of a plan, and say what it would change here
    #[command(after_help = "Examples:\n  \
        bedside plan import 9000000009 jane.fhir.json             look, write nothing\n  \
        bedside plan import 9000000009 jane.fhir.json --apply\n  \
        bedside plan import 9000000009 jane.fhir.json --apply --replace\n\n\
        Only the person's own words and what all staff share is ever written. Decisions\n\
        are shown for a clinician to record: `bedside plan edit PLAN decide SECTION ...`")]
    Import {
        /// NHS number, or the plan's id
        plan: PlanArg,
        /// What `bedside plan export --format fhir` wrote
        file: PathBuf,
        /// Write what is new, where nothing is recorded here
        #[arg(long)]
        apply: bool,
        /// Also where something else is recorded here
        #[arg(long, requires = "apply")]
        replace: bool,
    },
    /// Every entry of a plan, oldest first: who, when, what, and how far it got
    #[command(after_help = "Examples:\n  \
        bedside plan history 9000000009\n  \
        bedside plan history 9000000009 --field preferences.place_of_death_1")]
    History {
        /// NHS number, or the plan's id
        plan: PlanArg,
        /// Of one field only: what stood before, what after, on what basis
        #[arg(long, value_name = "KEY")]
        field: Option<String>,
    },
    /// What changed in a plan between two moments
    #[command(after_help = "Examples:\n  \
        bedside plan diff 9000000009 --from 2026-11-01\n  \
        bedside plan diff 9000000009 --from 2026-11-01 --to 2026-11-22T09:14:00Z")]
    Diff {
        /// NHS number, or the plan's id
        plan: PlanArg,
        /// An entry's id, a time, or a day, which means its end
        #[arg(long, value_name = "WHEN")]
        from: When,
        /// Likewise; by default now
        #[arg(long, value_name = "WHEN")]
        to: Option<When>,
    },
    /// Take back your own last change, by a new one
    #[command(after_help = "Examples:\n  bedside plan undo 9000000009")]
    Undo {
        /// NHS number, or the plan's id
        plan: PlanArg,
    },
    /// Approve a plan exactly as it was shown; without --seen, show it
    #[command(after_help = "Examples:\n  \
        bedside plan approve 9000000009\n  \
        bedside plan approve 9000000009 --seen 0c1f --section cpr --section legal\n  \
        bedside plan approve 9000000009 --seen 0c1f --review-on 2026-12-24\n\n\
        It is refused when the plan has changed since it was shown.")]
    Approve(Approve),
    /// Ask a clinician to approve a plan
    #[command(after_help = "Examples:\n  bedside plan ask 9000000009 --note 'after the visit'")]
    Ask {
        /// NHS number, or the plan's id
        plan: PlanArg,
        /// Why, or what to look at
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Say how a plan as a whole stands
    #[command(after_help = "Examples:\n  \
        bedside plan mark 9000000009 under-review\n  \
        bedside plan mark 9000000009 entered-in-error --note 'wrong person'")]
    Mark {
        /// NHS number, or the plan's id
        plan: PlanArg,
        /// How
        #[arg(value_enum)]
        stage: StageArg,
        /// Why
        #[arg(long, default_value = "")]
        note: String,
    },
    /// List the entries that are held, why, and what became of them
    #[command(after_help = "Examples:\n  bedside plan held 9000000009")]
    Held {
        /// NHS number, or the plan's id
        plan: PlanArg,
    },
    /// Make a colleague's held entry part of the plan
    #[command(after_help = "Examples:\n  bedside plan adopt 9000000009 ENTRY --note 'seen at home'")]
    Adopt(Deciding),
    /// Leave a colleague's held entry out of the plan
    #[command(after_help = "Examples:\n  bedside plan decline 9000000009 ENTRY --note 'a mistake'")]
    Decline(Deciding),
    /// Record consent or another basis, or that consent is withdrawn
    #[command(after_help = "Examples:\n  \
        bedside plan consent 9000000009 share given --note 'in person'\n  \
        bedside plan consent 9000000009 share withdrawn --note 'by telephone'\n  \
        bedside plan consent 9000000009 share best-interests --note 'at home' \\\n    \
        --by 'Dr Bell' --consulted 'her son' --why 'crews have to know'")]
    Consent {
        /// NHS number, or the plan's id
        plan: PlanArg,
        /// What it covers
        #[arg(value_enum)]
        scope: ScopeArg,
        /// What was decided
        #[arg(value_enum)]
        outcome: OutcomeArg,
        /// How and by whom
        #[arg(long)]
        note: String,
        #[command(flatten)]
        grounds: GroundsArgs,
    },
    /// Give an organisation access to a plan; needs consent to share
    #[command(after_help = "Examples:\n  bedside plan share 9000000009 --ods VL900")]
    Share {
        /// NHS number, or the plan's id
        plan: PlanArg,
        /// The organisation's ODS code
        #[arg(long, value_name = "CODE")]
        ods: String,
    },
    #[command(flatten)]
    Looking(Looking),
    /// How far this device's own entries have got: saved, sent, seen
    #[command(after_help = "Examples:\n  bedside plan receipts 9000000009")]
    Receipts {
        /// NHS number, or the plan's id
        plan: PlanArg,
    },
}

#[derive(Args)]
#[command(group(clap::ArgGroup::new("who").required(true).args(["fhir", "nhs"])))]
#[command(group(clap::ArgGroup::new("basis_of_it").required(true).args(["consent", "basis"])))]
pub(crate) struct NewPlan {
    /// A FHIR R4 Patient from the demographics service
    #[arg(long, value_name = "FILE")]
    pub(crate) fhir: Option<PathBuf>,
    /// The NHS number, ten digits
    #[arg(long, value_name = "NUMBER")]
    pub(crate) nhs: Option<String>,
    /// Family name
    #[arg(long, requires = "nhs")]
    pub(crate) family: Option<String>,
    /// Given names
    #[arg(long, requires = "nhs")]
    pub(crate) given: Option<String>,
    /// Date of birth, such as 1952-05-31
    #[arg(long, requires = "nhs", value_name = "DATE")]
    pub(crate) born: Option<String>,
    /// The person consents to a plan: how consent was given
    #[arg(long, value_name = "HOW")]
    pub(crate) consent: Option<String>,
    /// The person cannot consent: on what other basis
    #[arg(long, value_enum, requires = "note")]
    pub(crate) basis: Option<BasisArg>,
    /// How and by whom it was decided on that basis
    #[arg(long, requires = "basis")]
    pub(crate) note: Option<String>,
    #[command(flatten)]
    pub(crate) grounds: GroundsArgs,
    /// The plan may be shared: how consent was given, or was decided on the basis
    #[arg(long, value_name = "HOW")]
    pub(crate) share: Option<String>,
    /// The record carries a death notice, and you have seen the person alive
    #[arg(long, requires = "fhir")]
    pub(crate) seen_alive: bool,
}

#[derive(Args)]
pub(crate) struct Edit {
    /// NHS number, or the plan's id
    pub(crate) plan: PlanArg,
    /// Read one change from each line of standard input
    #[arg(long)]
    pub(crate) stdin: bool,
    /// Who it was heard from; by default the person where the words are theirs and not kept from them, else nobody: it was seen
    #[arg(long, value_enum, global = true)]
    pub(crate) heard_from: Option<SourceArg>,
    /// Keep it where the person's device does not hold it
    #[arg(long, value_enum, global = true, value_name = "PART")]
    pub(crate) keep_in: Option<KeepInArg>,
    #[command(subcommand)]
    pub(crate) change: Option<Change>,
}

#[derive(Subcommand)]
pub(crate) enum Change {
    /// Answer a field that holds one value
    #[command(after_help = "Examples:\n  \
        bedside plan edit 9000000009 set preferences.place_of_death_1 home\n  \
        bedside plan edit 9000000009 set preferences.place_of_death_1 declined\n  \
        bedside plan edit 9000000009 set contact/ITEM/phone_1 01632960002")]
    Set {
        /// The field
        key: String,
        /// A choice, a date, a number or words
        value: String,
        /// The code of the choice, where the words are your own
        #[arg(long)]
        code: Option<String>,
    },
    /// Give the whole new text of a field that merges as text
    #[command(after_help = "Examples:\n  \
        bedside plan edit 9000000009 text wishes.most_value 'My garden, and quiet.'")]
    Text {
        /// The field
        key: String,
        /// The text
        text: String,
    },
    /// Add an item to a list
    #[command(after_help = "Examples:\n  \
        bedside plan edit 9000000009 add contact name='Anna Smith' relationship=niece\n  \
        bedside plan edit 9000000009 add medicine name=morphine dose='2.5 mg'")]
    Add {
        /// The list, such as contact or medicine
        list: String,
        /// What is known of the item
        #[arg(required = true, value_name = "FIELD=VALUE")]
        fields: Vec<String>,
    },
    /// Write a decision as a whole; it replaces the one that stands
    #[command(after_help = "Examples:\n  \
        bedside plan edit 9000000009 decide cpr decision=not-recommended \\\n    \
        reason='would not work' date=2026-11-22\n  \
        bedside plan edit 9000000009 decide symptoms problem/1/name=pain \\\n    \
        problem/1/first_action='one dose, then wait 30 minutes'")]
    Decide {
        /// The section, such as cpr or escalation
        section: String,
        /// Every field of the decision
        #[arg(required = true, value_name = "FIELD=VALUE")]
        fields: Vec<String>,
        /// You have looked at the decisions in conflict, and this one replaces them
        #[arg(long)]
        resolve: bool,
    },
    /// Move what was kept from the person into the shared plan, now that it was talked about
    #[command(after_help = "Examples:\n  \
        bedside plan edit 9000000009 disclose prognosis person_aware=yes\n  \
        bedside plan edit 9000000009 disclose cpr discussed_person=yes\n  \
        bedside plan edit 9000000009 disclose contact/00000000000000aa\n\n\
        A decision becomes a new one by you, to be endorsed and approved anew.")]
    Disclose {
        /// A section with a decision, a field's key, or LIST/ITEM for all that is kept of an item
        what: String,
        /// Fields of the decision that are different now
        #[arg(value_name = "FIELD=VALUE")]
        fields: Vec<String>,
    },
    /// Endorse the decision that stands, unchanged
    #[command(after_help = "Examples:\n  bedside plan edit 9000000009 endorse cpr")]
    Endorse {
        /// The section: cpr or escalation
        section: String,
    },
}

/// A plan as it is named in commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PlanArg {
    /// Ten digits, as typed.
    Nhs(String),
    /// The id.
    Id(PlanId),
}

impl FromStr for PlanArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(id) = PlanId::parse(text.trim()) {
            return Ok(Self::Id(id));
        }
        let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        if digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self::Nhs(digits));
        }
        Err("give an NHS number (ten digits) or the plan's id (64 hexadecimal digits)".into())
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum BasisArg {
    BestInterests,
    Attorney,
    Representative,
}

impl From<BasisArg> for Outcome {
    fn from(basis: BasisArg) -> Self {
        match basis {
            BasisArg::BestInterests => Self::BestInterests,
            BasisArg::Attorney => Self::Attorney,
            BasisArg::Representative => Self::Representative,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ScopeArg {
    /// Keeping a plan at all
    Record,
    /// Letting other organisations read it
    Share,
}

impl From<ScopeArg> for Scope {
    fn from(scope: ScopeArg) -> Self {
        match scope {
            ScopeArg::Record => Self::Record,
            ScopeArg::Share => Self::Share,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum OutcomeArg {
    Given,
    Withdrawn,
    BestInterests,
    Attorney,
    Representative,
}

impl From<OutcomeArg> for Outcome {
    fn from(outcome: OutcomeArg) -> Self {
        match outcome {
            OutcomeArg::Given => Self::Given,
            OutcomeArg::Withdrawn => Self::Withdrawn,
            OutcomeArg::BestInterests => Self::BestInterests,
            OutcomeArg::Attorney => Self::Attorney,
            OutcomeArg::Representative => Self::Representative,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum SourceArg {
    /// The person said so
    Person,
    /// Somebody who speaks for the person said so
    Proxy,
    /// It was seen
    Observed,
}

impl From<SourceArg> for Source {
    fn from(source: SourceArg) -> Self {
        match source {
            SourceArg::Person => Self::Person,
            SourceArg::Proxy => Self::Proxy,
            SourceArg::Observed => Self::Observed,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_with_examples_that_are_commands() {
        let mut whole = Cli::command();
        // What every command takes is told with each of them.
        whole.build();
        check(&whole, "bedside");
    }

    fn check(command: &clap::Command, name: &str) {
        assert!(command.get_about().is_some(), "{name} does not say what it does");
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains("Examples:\n"), "{name} has no examples");
        let whole = command.clone().render_help().to_string();
        assert!(whole.lines().all(|line| line.chars().count() <= crate::out::COLUMNS), "{name}: {whole}");
        for example in examples(&help) {
            let parsed = Cli::try_parse_from(&example);
            assert!(
                parsed.is_ok(),
                "{example:?}: {}",
                parsed.err().map(|e| e.to_string()).unwrap_or_default()
            );
        }
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            let id = argument.get_id();
            assert!(
                argument.get_help().is_some() || id == "help" || id == "version",
                "{name}: {id} has no help"
            );
        }
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            check(inner, &format!("{name} {}", inner.get_name()));
        }
    }

    /// The command lines of a help text, without what a shell would take away.
    fn examples(help: &str) -> Vec<Vec<String>> {
        let whole: String = help.split("\\\n").map(str::trim_start).collect();
        let lines =
            whole.lines().map(str::trim).filter(|line| line.contains("bedside ") && !line.contains('`'));
        lines
            .filter_map(|line| {
                let command = line.split(" < ").next()?.split("   ").next()?;
                let words = crate::answers::words(command).expect("examples are quoted well");
                let from = words.iter().position(|word| word == "bedside")?;
                Some(words[from..].to_vec())
            })
            .collect()
    }

    #[test]
    fn a_plan_is_named_by_nhs_number_or_id() {
        assert_eq!("900 000 0009".parse(), Ok(PlanArg::Nhs("9000000009".into())));
        assert_eq!("900-000-0009".parse(), Ok(PlanArg::Nhs("9000000009".into())));
        assert!(matches!("ab".repeat(32).parse(), Ok(PlanArg::Id(_))));
        for wrong in ["", "Smith", "900000000", "90000000090", &"ab".repeat(31)] {
            assert!(wrong.parse::<PlanArg>().is_err(), "{wrong}");
        }
    }
}
