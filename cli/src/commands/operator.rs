//! The network operator's part. Offline: no relay, no vault.

use std::path::Path;

use bedside_core::api::network::Network;
use serde_json::json;

use super::Context;
use crate::error::CliError;
use crate::files;
use crate::profile::passphrase;

/// Largest file of a network, a request or a charter. They are under 4 KB.
const FILE_BYTES_MAX: u64 = 64 << 10;

pub(super) fn create(context: &Context, file: &Path, relay: &str) -> Result<(), CliError> {
    check_address(relay)?;
    let host = context.profile.host();
    let network = Network::create(&host, relay);
    let sealed = network.to_file(&host, &passphrase(true)?)?;
    files::write(file, &sealed, false).map_err(never_over_a_network)?;
    let root = hex(&network.root());
    context.out.answer(&json!({ "file": file, "relay": relay, "root": root }), || {
        format!(
            "The network's keys are in {}. Keep that file offline, and a copy of it.\n\
             Root  {root}\n\
             Next: `bedside-relay serve --network-root ROOT` on the relay.",
            file.display()
        )
    })
}

pub(super) fn show(context: &Context, file: &Path) -> Result<(), CliError> {
    let root = hex(&open(file)?.root());
    context.out.answer(&json!({ "root": root }), || format!("Root  {root}"))
}

pub(super) fn sign(context: &Context, file: &Path, request: &Path, out: &Path) -> Result<(), CliError> {
    let asked = files::read(request, FILE_BYTES_MAX)?;
    let network = open(file)?;
    let charter = network.sign_organisation(&context.profile.host(), &asked, context.profile.now());
    let charter = charter.map_err(|error| content(request, &error))?;
    files::write(out, &charter, false)?;
    let (name, ods) = Network::read_request(&asked).unwrap_or_default();
    context.out.answer(&json!({ "name": name, "ods": ods, "charter": out }), || {
        format!(
            "Signed: {name} ({ods}). Its charter is in {}.\n\
             Next: `bedside organisation accept` on the device that asked.",
            out.display()
        )
    })
}

fn open(file: &Path) -> Result<Network, CliError> {
    let sealed = files::read(file, FILE_BYTES_MAX)?;
    Network::from_file(&sealed, &passphrase(false)?).map_err(|error| content(file, &error))
}

fn content(path: &Path, error: &dyn std::error::Error) -> CliError {
    CliError::Content { path: path.to_owned(), why: error.to_string() }
}

/// A network's keys cannot be made again: no flag overwrites them.
fn never_over_a_network(error: CliError) -> CliError {
    match error {
        CliError::Exists { path, .. } => {
            CliError::Exists { path, advice: "name another file; a network's keys are never overwritten" }
        }
        error => error,
    }
}

fn check_address(relay: &str) -> Result<(), CliError> {
    let rest = relay.strip_prefix("https://").or_else(|| relay.strip_prefix("http://"));
    match rest {
        Some(host) if !host.is_empty() && !host.starts_with('/') => Ok(()),
        _ => Err(CliError::usage(format!("{relay}: the relay's address looks like https://relay.example"))),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_and_a_host() {
        assert!(check_address("https://relay.example").is_ok());
        assert!(check_address("http://127.0.0.1:8443").is_ok());
        for wrong in ["relay.example", "https://", "http:///x", "ftp://relay.example", ""] {
            assert!(check_address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn bytes_are_written_in_hexadecimal() {
        assert_eq!(hex(&[0, 15, 255]), "000fff");
    }
}
