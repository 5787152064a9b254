//! What an operator says: one TOML file, or flags, or both; flags win.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What the relay runs with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data directory: database and lock file.
    pub data: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The network root's public key: who is believed.
    pub network_root: [u8; 32],
    /// With or without TLS.
    pub transport: Transport,
    /// Take a client's address from the last `X-Forwarded-For` value.
    pub behind_proxy: bool,
    /// Requests of one signed-in device.
    pub device_rate: Rate,
    /// Requests that are not signed in, of one address.
    pub address_rate: Rate,
}

/// With or without TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Without: on loopback, or behind a proxy that speaks TLS.
    PlainHttp,
    /// With certificate chain and key in PEM files, read again when they change.
    Tls {
        /// The chain, the relay's own certificate first.
        certificate: PathBuf,
        /// The key (PKCS #8, PKCS #1 or SEC 1).
        key: PathBuf,
    },
}

/// How many requests are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// In the long run, per second.
    pub per_second: u32,
    /// At once, after a pause.
    pub burst: u32,
}

/// A person's edits come by ones; a device that comes back sends pages one after another.
pub const DEVICE_RATE: Rate = Rate { per_second: 50, burst: 500 };

/// On Monday morning a hospital signs in from one address.
pub const ADDRESS_RATE: Rate = Rate { per_second: 200, burst: 2_000 };

/// Where the relay listens unless told otherwise.
pub const LISTEN: &str = "127.0.0.1:8440";

/// What may stand in the file and in flags.
#[derive(Clone, Debug, Default, clap::Args, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Directory for the relay's database; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8440]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Public key of the network root, 64 hexadecimal digits
    #[arg(long, value_name = "HEX")]
    pub network_root: Option<String>,
    /// Certificate chain in PEM
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Key of the certificate in PEM
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Speak plain HTTP: on loopback, or behind a proxy that speaks TLS
    #[arg(long)]
    pub plain_http: bool,
    /// Take clients' addresses from the last X-Forwarded-For value
    #[arg(long)]
    pub behind_proxy: bool,
    /// Requests of one device; only in the file: `device_rate = { per_second = 50, burst = 500 }`
    #[arg(skip)]
    pub device_rate: Option<Rate>,
    /// Requests of one address that are not signed in; only in the file
    #[arg(skip)]
    pub address_rate: Option<Rate>,
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("the configuration file {path} is wrong: {source}")]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Line and reason.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// Something has to be said.
    #[error("{0} is missing: give --{1}, or {2} in the configuration file")]
    Missing(&'static str, &'static str, &'static str),
    /// A value cannot be read.
    #[error("{what} is {value:?}; it should be {should}")]
    Value {
        /// Which setting.
        what: &'static str,
        /// As given.
        value: String,
        /// What it should be.
        should: &'static str,
    },
    /// Both or neither of TLS and plain HTTP.
    #[error(
        "say how to listen: --tls-cert and --tls-key for HTTPS, or --plain-http (on loopback, or behind a proxy \
         that speaks TLS); one of the two"
    )]
    Transport,
}

impl Settings {
    /// Reads the file.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        toml::from_str(&text)
            .map_err(|source| ConfigError::Parse { path: path.to_owned(), source: Box::new(source) })
    }

    /// These settings, and where they say nothing, the other's.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            data: self.data.or(other.data),
            listen: self.listen.or(other.listen),
            network_root: self.network_root.or(other.network_root),
            tls_cert: self.tls_cert.or(other.tls_cert),
            tls_key: self.tls_key.or(other.tls_key),
            plain_http: self.plain_http || other.plain_http,
            behind_proxy: self.behind_proxy || other.behind_proxy,
            device_rate: self.device_rate.or(other.device_rate),
            address_rate: self.address_rate.or(other.address_rate),
        }
    }

    /// Checks that everything needed was said.
    pub fn resolve(self) -> Result<Config, ConfigError> {
        let transport = match (self.plain_http, self.tls_cert, self.tls_key) {
            (true, None, None) => Transport::PlainHttp,
            (false, Some(certificate), Some(key)) => Transport::Tls { certificate, key },
            _ => return Err(ConfigError::Transport),
        };
        let root = self.network_root.ok_or(ConfigError::Missing(
            "the network root",
            "network-root",
            "network_root",
        ))?;
        let listen = self.listen.unwrap_or_else(|| LISTEN.to_owned());
        Ok(Config {
            data: self.data.ok_or(ConfigError::Missing("the data directory", "data", "data"))?,
            listen: listen.parse().map_err(|_| ConfigError::Value {
                what: "listen",
                value: listen.clone(),
                should: "an address and a port, such as 0.0.0.0:8440 or [::]:8440",
            })?,
            network_root: read_root(root)?,
            transport,
            behind_proxy: self.behind_proxy,
            device_rate: read_rate("device_rate", self.device_rate.unwrap_or(DEVICE_RATE))?,
            address_rate: read_rate("address_rate", self.address_rate.unwrap_or(ADDRESS_RATE))?,
        })
    }
}

fn read_root(value: String) -> Result<[u8; 32], ConfigError> {
    // Any 32-byte id reads hexadecimal alike.
    let should = "64 hexadecimal digits";
    bedside_protocol::ids::StatementId::from_hex(&value).map(|id| *id.as_bytes()).ok_or(ConfigError::Value {
        what: "network_root",
        value,
        should,
    })
}

fn read_rate(what: &'static str, rate: Rate) -> Result<Rate, ConfigError> {
    if (1..=1_000_000).contains(&rate.per_second) && (1..=1_000_000).contains(&rate.burst) {
        return Ok(rate);
    }
    let value = format!("{} per second, {} at once", rate.per_second, rate.burst);
    Err(ConfigError::Value { what, value, should: "two numbers from 1 to 1,000,000" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        toml::from_str(text).unwrap()
    }

    const ROOT: &str = "0101010101010101010101010101010101010101010101010101010101010101";

    #[test]
    fn a_file_with_everything_is_read_and_flags_win() {
        let file = settings(&format!(
            "data = '/srv/relay'\nlisten = '0.0.0.0:443'\nnetwork_root = '{ROOT}'\ntls_cert = 'c'\ntls_key = 'k'\n\
             device_rate = {{ per_second = 5, burst = 6 }}"
        ));
        let flags = Settings { listen: Some("127.0.0.1:0".to_owned()), ..Settings::default() };
        let config = flags.or(file).resolve().unwrap();
        assert_eq!((config.listen.port(), config.network_root), (0, [1; 32]));
        assert_eq!(config.device_rate, Rate { per_second: 5, burst: 6 });
        assert!(matches!(config.transport, Transport::Tls { .. }));
    }

    #[test]
    fn plain_http_has_to_be_said_and_excludes_tls() {
        let text = format!("data = 'd'\nnetwork_root = '{ROOT}'");
        assert!(matches!(settings(&text).resolve(), Err(ConfigError::Transport)));
        let both = format!("{text}\nplain_http = true\ntls_cert = 'c'\ntls_key = 'k'");
        assert!(matches!(settings(&both).resolve(), Err(ConfigError::Transport)));
        assert!(settings(&format!("{text}\nplain_http = true")).resolve().is_ok());
    }

    #[test]
    fn errors_say_what_to_give() {
        let error = settings("plain_http = true").resolve().unwrap_err().to_string();
        assert!(error.contains("--network-root") && error.contains("network_root"));
        let error = settings("plain_http = true\nnetwork_root = 'abc'\ndata = 'd'").resolve().unwrap_err();
        assert!(error.to_string().contains("64 hexadecimal digits"));
        let unknown = toml::from_str::<Settings>("datta = 'd'").unwrap_err().to_string();
        assert!(unknown.contains("datta"));
    }
}
