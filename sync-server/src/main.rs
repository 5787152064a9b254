//! The relay's commands.

use std::path::PathBuf;
use std::process::ExitCode;

use bedside_relay::config::{ConfigError, Settings};
use bedside_relay::data::{DataDir, DataError};
use bedside_relay::server::{self, StartError};
use bedside_relay::storage::{Storage, StorageError};
use clap::{Args, Parser, Subcommand};

/// Stores and forwards sealed entries it cannot read.
#[derive(Parser)]
#[command(name = "bedside-relay", version, max_term_width = 80, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  # Try it on this machine, without TLS:
  bedside-relay serve --data ./relay --network-root HEX --plain-http

  # With a certificate, on all addresses:
  bedside-relay serve --data /srv/relay --listen '[::]:8440' \\
      --network-root HEX --tls-cert chain.pem --tls-key key.pem

  # The same from a file:
  bedside-relay serve --config /etc/bedside-relay.toml

  # A copy every night while it runs, and back again:
  bedside-relay backup --data /srv/relay --to /backup/relay-$(date +%F).db
  bedside-relay restore --data /srv/relay --from /backup/relay-2026-11-22.db

The configuration file says what the flags say:
  data = \"/srv/relay\"
  listen = \"[::]:8440\"
  network_root = \"HEX\"
  tls_cert = \"/etc/relay/chain.pem\"
  tls_key = \"/etc/relay/key.pem\"
  device_rate = { per_second = 50, burst = 500 }

RUST_LOG sets what is logged (standard error): RUST_LOG=bedside_relay=debug";

#[derive(Subcommand)]
enum Command {
    /// Run the relay until SIGTERM or Ctrl-C
    Serve {
        /// Read settings from a TOML file; flags win over it
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        #[command(flatten)]
        settings: Settings,
        /// Log in JSON
        #[arg(long)]
        log_json: bool,
    },
    /// Write a consistent copy of the database, also while the relay runs
    Backup {
        #[command(flatten)]
        data: Data,
        /// New file to write
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Put a copy in place of the database; devices then compare and fill the gaps
    Restore {
        #[command(flatten)]
        data: Data,
        /// File written by `backup`
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
    /// Check that the database is sound, also while the relay runs
    Check {
        #[command(flatten)]
        data: Data,
    },
    /// Say how much there is
    Stats {
        #[command(flatten)]
        data: Data,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
struct Data {
    /// The relay's data directory
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Data(#[from] DataError),
    #[error("the database cannot be read")]
    Storage(#[from] StorageError),
    #[error("cannot start the runtime")]
    Runtime(#[source] std::io::Error),
    #[error("{0} faults found; restore a backup: bedside-relay restore --help")]
    Faults(usize),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let mut text = failure.to_string();
            let mut cause = std::error::Error::source(&failure);
            while let Some(error) = cause {
                let said = error.to_string();
                if !text.contains(&said) {
                    text = format!("{text}: {said}");
                }
                cause = error.source();
            }
            eprintln!("bedside-relay: {text}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve { config, settings, log_json } => {
            log_to_stderr(log_json);
            let settings = match config {
                Some(path) => settings.or(Settings::from_file(&path)?),
                None => settings,
            };
            serve(settings)
        }
        Command::Backup { data, to } => {
            DataDir::new(data.data).back_up(&to)?;
            println!("wrote {}", to.display());
            Ok(())
        }
        Command::Restore { data, from } => {
            let now = server::system_clock()();
            let aside = DataDir::new(data.data).restore(&from, now, &mut server::system_chance)?;
            println!("restored {}; devices will compare at their next sync", from.display());
            if let Some(aside) = aside {
                println!("the database before is kept as {}", aside.display());
            }
            Ok(())
        }
        Command::Check { data } => check(&DataDir::new(data.data)),
        Command::Stats { data, json } => stats(&DataDir::new(data.data), json),
    }
}

fn log_to_stderr(json: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("bedside_relay=info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    if json { log.json().init() } else { log.init() }
}

fn serve(settings: Settings) -> Result<(), Failure> {
    let config = settings.resolve()?;
    let scheme = match config.transport {
        bedside_relay::config::Transport::PlainHttp => "http",
        bedside_relay::config::Transport::Tls { .. } => "https",
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::Runtime)?;
    runtime.block_on(async {
        // Before listening is said, so that whoever waits for it can stop the relay at once.
        let stop = stop_asked().map_err(Failure::Runtime)?;
        let relay = server::start(config).await?;
        println!("listening on {scheme}://{}", relay.addr);
        stop.await;
        tracing::info!("stopping");
        relay.stop().await;
        Ok(())
    })
}

#[cfg(unix)]
fn stop_asked() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_asked() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // An error means that the system cannot tell; then the process is ended from outside.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

fn check(data: &DataDir) -> Result<(), Failure> {
    let storage = data.reader()?;
    let faults = storage.faults()?;
    for fault in &faults {
        println!("{fault}");
    }
    if !faults.is_empty() {
        return Err(Failure::Faults(faults.len()));
    }
    let totals = storage.totals()?;
    println!("sound: {} entries in {} logs, {} statements", totals.entries, totals.logs, totals.statements);
    Ok(())
}

fn stats(data: &DataDir, json: bool) -> Result<(), Failure> {
    let totals = data.reader()?.totals()?;
    if json {
        println!("{}", serde_json::to_string(&totals).expect("a struct of numbers is JSON"));
        return Ok(());
    }
    let lines = [
        ("devices", totals.devices),
        ("logs", totals.logs),
        ("entries", totals.entries),
        ("bytes of entries", totals.entry_bytes),
        ("statements", totals.statements),
        ("subscriptions", totals.subscriptions),
        ("items waiting", totals.feed_rows),
        ("invitations", totals.invites),
        ("bytes of database", totals.database_bytes),
    ];
    for (name, number) in lines {
        println!("{name:<18} {number:>14}");
    }
    Ok(())
}
