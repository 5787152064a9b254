//! Who is on a device, and how devices, people and organisations join.

use std::path::PathBuf;

use bedside_core::api::{Capabilities, Role};
use clap::builder::PossibleValue;
use clap::{Args, Subcommand};

use super::PlanArg;

#[derive(Subcommand)]
pub(crate) enum Pin {
    /// Change the PIN; the new one comes from BEDSIDE_NEW_PIN or is asked for
    #[command(after_help = "Examples:\n  \
        bedside pin change\n  \
        BEDSIDE_PIN=271828 BEDSIDE_NEW_PIN=314159 bedside pin change")]
    Change,
}

#[derive(Subcommand)]
pub(crate) enum Identity {
    /// List them
    #[command(after_help = "Examples:\n  bedside identity list\n  bedside --json identity list")]
    List,
    /// Let somebody else use this device, by your PIN; theirs comes from BEDSIDE_NEW_PIN or is asked for
    #[command(after_help = "Examples:\n  \
        bedside identity add Ben\n  \
        BEDSIDE_PIN=271828 BEDSIDE_NEW_PIN=314159 bedside identity add Ben")]
    Add {
        /// What they are called on this device
        label: String,
    },
    /// Say what you are called on this device
    #[command(after_help = "Examples:\n  bedside identity rename Amira")]
    Rename {
        /// A first name or initials
        label: String,
    },
    /// Take somebody off this device; what they wrote stays
    #[command(after_help = "Examples:\n  bedside --identity Amira identity remove Ben")]
    Remove {
        /// What they are called here
        label: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum Network {
    /// Make a new network: its keys, sealed under a passphrase
    #[command(after_help = "Examples:\n  \
        bedside network create --file network.key --relay https://relay.example\n\n\
        The passphrase comes from BEDSIDE_PASSPHRASE or is asked for. The root that is\n\
        printed goes to `bedside-relay serve --network-root`.")]
    Create {
        /// The file to make; keep it offline
        #[arg(long)]
        file: PathBuf,
        /// The relay's address
        #[arg(long, value_name = "URL")]
        relay: String,
    },
    /// Show the network's root
    #[command(after_help = "Examples:\n  bedside network show --file network.key")]
    Show {
        /// The network's file
        #[arg(long)]
        file: PathBuf,
    },
    /// Sign an organisation into the network
    #[command(
        override_usage = "bedside network sign --file FILE --request REQUEST --out OUT [OPTIONS]",
        after_help = "Examples:\n  \
        bedside network sign --file network.key --request x.req --out x.charter\n\n\
        Compare name and ODS code with what you were told by another way."
    )]
    Sign {
        /// The network's file
        #[arg(long)]
        file: PathBuf,
        /// What `bedside organisation request` wrote
        #[arg(long)]
        request: PathBuf,
        /// The charter to make
        #[arg(long)]
        out: PathBuf,
    },
}

#[derive(Subcommand)]
pub(crate) enum Organisation {
    /// Ask the operator to sign an organisation into the network
    #[command(
        override_usage = "bedside organisation request --name NAME --ods CODE --out OUT [OPTIONS]",
        after_help = "Examples:\n  \
        bedside organisation request --name 'Willow House' --ods VL900 --out x.req"
    )]
    Request {
        /// As colleagues know it
        #[arg(long)]
        name: String,
        /// Its ODS code
        #[arg(long, value_name = "CODE")]
        ods: String,
        /// The request to make, for the operator
        #[arg(long)]
        out: PathBuf,
    },
    /// Take the operator's charter: this device becomes the administrator's
    #[command(after_help = "Examples:\n  \
        bedside organisation accept --charter x.charter --name 'Pat Green'")]
    Accept {
        /// What `bedside network sign` wrote
        #[arg(long)]
        charter: PathBuf,
        /// The administrator's own name
        #[arg(long)]
        name: String,
    },
    /// List the organisations that a plan can be shared with
    #[command(after_help = "Examples:\n  bedside organisation list")]
    List,
}

#[derive(Args)]
pub(crate) struct Invite {
    /// Their name, as colleagues know them
    #[arg(long)]
    pub(crate) name: String,
    /// What they will be
    #[arg(long, value_parser = roles())]
    pub(crate) role: String,
    /// What they may do beyond what is usual for the role; may be given several times
    #[arg(long, value_name = "RIGHT", value_parser = rights())]
    pub(crate) may: Vec<String>,
    /// The plan, for the person it is about or who speaks for them
    #[arg(long, value_name = "NHS|ID")]
    pub(crate) plan: Option<PlanArg>,
    /// For how long the invitation is good, in hours
    #[arg(long, default_value_t = 24)]
    pub(crate) hours: u64,
    /// NMC, GMC or other registration
    #[arg(long, value_name = "NUMBER")]
    pub(crate) professional_number: Option<String>,
}

fn rights() -> clap::builder::PossibleValuesParser {
    let names = Capabilities::ALL.into_iter().map(|(name, _)| PossibleValue::new(name));
    clap::builder::PossibleValuesParser::new(names)
}

fn roles() -> clap::builder::PossibleValuesParser {
    let names = Role::ALL.into_iter().map(|role| PossibleValue::new(role.name()));
    clap::builder::PossibleValuesParser::new(names)
}
