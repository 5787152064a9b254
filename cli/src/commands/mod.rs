//! What each command does.

mod access;
mod device;
mod edit;
mod exchange;
mod fields;
mod identity;
mod joining;
mod operator;
mod plans;
mod rules;
mod syncing;
mod worklists;

use bedside_core::api::{App, ConsentSpec, PlanId, Stage};

use crate::args::{Cli, Command, Network, Organisation, Pin, Plan, PlanArg};
use crate::demo;
use crate::error::CliError;
use crate::language;
use crate::out::Out;
use crate::profile::Profile;
use exchange::To;

/// What every command has at hand.
pub(crate) struct Context {
    pub(crate) out: Out,
    pub(crate) profile: Profile,
}

/// Does what the command line says. What needs no device is done without looking for one.
pub(crate) fn run(cli: Cli, out: Out) -> Result<(), CliError> {
    let command = match cli.command {
        Command::Demo { dir, relay_binary } => return demo::run(out, dir, relay_binary),
        Command::Plan(plan) => match *plan {
            Plan::Fields { section } => return fields::list(out, section.as_deref()),
            plan => Command::Plan(Box::new(plan)),
        },
        command => command,
    };
    let language = language::of(cli.language.as_deref())?;
    let (profile, pin_stdin) = (cli.profile.as_deref(), cli.pin_stdin);
    let profile = Profile::find(profile, cli.identity, pin_stdin, language, name(&command))?;
    let context = Context { out, profile };
    match command {
        Command::Init => device::init(&context),
        Command::Lock => device::lock(&context),
        Command::Unlock { minutes } => device::unlock(&context, minutes),
        Command::Pin(Pin::Change) => device::change_pin(&context, cli.pin_stdin),
        Command::Identity(what) => identity::run(&context, what),
        Command::Status => device::status(&context),
        Command::Repair => device::repair(&context),
        Command::Network(network) => operate(&context, network),
        Command::Organisation(organisation) => organise(&context, organisation),
        Command::Invite(invite) => joining::invite(&context, invite),
        Command::Enrol { invitation, wait } => joining::enrol(&context, &invitation, wait),
        Command::Plan(plan) => run_plan(&context, *plan),
        Command::Worklist(args) => worklists::worklist(&context, &args),
        Command::Oversee { days } => access::oversee(&context, days),
        Command::Caseload(command) => worklists::caseload(&context, command),
        Command::Visit(command) => worklists::visit(&context, command),
        Command::Notebook(notebook) => access::notebook(&context, notebook),
        Command::Sync { locked } => syncing::sync(&context, locked),
        Command::Watch => syncing::watch(&context),
        Command::Demo { dir, relay_binary } => demo::run(out, dir, relay_binary),
    }
}

/// As it was typed, for another program to say which one it has to wait for.
const fn name(command: &Command) -> &'static str {
    match command {
        Command::Init => "init",
        Command::Lock => "lock",
        Command::Unlock { .. } => "unlock",
        Command::Pin(_) => "pin",
        Command::Identity(_) => "identity",
        Command::Status => "status",
        Command::Repair => "repair",
        Command::Network(_) => "network",
        Command::Organisation(_) => "organisation",
        Command::Invite(_) => "invite",
        Command::Enrol { .. } => "enrol",
        Command::Plan(_) => "plan",
        Command::Worklist(_) => "worklist",
        Command::Oversee { .. } => "oversee",
        Command::Caseload(_) => "caseload",
        Command::Visit(_) => "visit",
        Command::Notebook(_) => "notebook",
        Command::Sync { .. } => "sync",
        Command::Watch => "watch",
        Command::Demo { .. } => "demo",
    }
}

fn operate(context: &Context, network: Network) -> Result<(), CliError> {
    match network {
        Network::Create { file, relay } => operator::create(context, &file, &relay),
        Network::Show { file } => operator::show(context, &file),
        Network::Sign { file, request, out } => operator::sign(context, &file, &request, &out),
    }
}

fn organise(context: &Context, organisation: Organisation) -> Result<(), CliError> {
    match organisation {
        Organisation::Request { name, ods, out } => joining::request(context, &name, &ods, &out),
        Organisation::Accept { charter, name } => joining::accept(context, &charter, &name),
        Organisation::List => joining::list(context),
    }
}

fn run_plan(context: &Context, plan: Plan) -> Result<(), CliError> {
    match plan {
        Plan::New(new) => plans::start(context, *new),
        Plan::List { limit, search } => plans::list(context, limit, search.as_deref()),
        Plan::Show { plan, text: _, reader, at: None } => plans::show(context, &plan, reader),
        Plan::Show { plan, reader, at: Some(when), .. } => rules::at(context, &plan, when, reader),
        Plan::Print { plan, reader, with_professional, output, force } => {
            let to = To { output: output.as_deref(), force, with_professional };
            exchange::print(context, &plan, reader, to)
        }
        Plan::Edit(edit) => edit::edit(context, edit),
        Plan::Fields { section } => fields::list(context.out, section.as_deref()),
        Plan::Export { plan, format, with_professional, output, force } => {
            let to = To { output: output.as_deref(), force, with_professional };
            exchange::export(context, &plan, format, to)
        }
        Plan::Import { plan, file, apply, replace } => {
            exchange::import(context, &plan, &file, apply, replace)
        }
        Plan::History { plan, field: None } => plans::history(context, &plan),
        Plan::History { plan, field: Some(key) } => rules::field_history(context, &plan, &key),
        Plan::Diff { plan, from, to } => rules::differences(context, &plan, from, to),
        Plan::Undo { plan } => rules::undo(context, &plan),
        Plan::Approve(approve) => rules::approve(context, &approve),
        Plan::Ask { plan, note } => rules::mark(context, &plan, Stage::AwaitingApproval, &note),
        Plan::Mark { plan, stage, note } => rules::mark(context, &plan, stage.into(), &note),
        Plan::Held { plan } => rules::held(context, &plan),
        Plan::Adopt(deciding) => rules::decide(context, &deciding, true),
        Plan::Decline(deciding) => rules::decide(context, &deciding, false),
        Plan::Consent { plan, scope, outcome, note, grounds } => {
            let spec = ConsentSpec { outcome: outcome.into(), note, grounds: grounds.grounds() };
            plans::consent(context, &plan, scope.into(), spec)
        }
        Plan::Share { plan, ods } => plans::share(context, &plan, ods),
        Plan::Receipts { plan } => plans::receipts(context, &plan),
        Plan::Looking(looking) => access::look(context, looking),
    }
}

/// The plan that is meant.
pub(crate) fn find(app: &App, plan: &PlanArg) -> Result<PlanId, CliError> {
    match plan {
        PlanArg::Id(id) => Ok(*id),
        PlanArg::Nhs(number) => Ok(app.plan_id(number)?),
    }
}
