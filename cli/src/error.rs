//! What can go wrong in the terminal, and what to do about it.

use std::io;
use std::path::PathBuf;

use bedside_core::api::ApiError;

/// Why a command failed. Every text says what to do, in one line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The core says so.
    #[error("{}", in_full(.0))]
    Api(#[from] ApiError),
    /// The device is open in another program.
    #[error("{holder} is using this device's data; close it first")]
    InUse { holder: String },
    /// Too early for another PIN.
    #[error("too many wrong PINs; the next try counts {0}")]
    Wait(String),
    /// The PIN is wrong, and the next try has to wait.
    #[error("wrong PIN; {left} more before this device's keys are destroyed; the next try counts {wait}")]
    WrongPinWait { left: u32, wait: String },
    /// There is no device in this profile.
    #[error("there is no device in {}; make one with `bedside init`", .0.display())]
    NoDevice(PathBuf),
    /// The command line does not make sense.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be used.
    #[error("{}: cannot be {step}: {source}", .path.display())]
    File { path: PathBuf, step: &'static str, source: io::Error },
    /// A file that must not be overwritten is there.
    #[error("{} is there already; {advice}", .path.display())]
    Exists { path: PathBuf, advice: &'static str },
    /// A file's content is not what it should be.
    #[error("{}: {why}", .path.display())]
    Content { path: PathBuf, why: String },
    /// Standard input or output failed.
    #[error("{what} failed: {source}")]
    Stream { what: &'static str, source: io::Error },
    /// Nobody answered in time.
    #[error(
        "nobody answered within {seconds} s; whoever invited you has to be online once (`bedside sync` on their \
         device); then run the same command again"
    )]
    NotAnswered { seconds: u64 },
    /// Some lines of a stream were refused.
    #[error("{refused} of {lines} lines were refused; the others are saved")]
    LinesRefused { refused: usize, lines: usize },
    /// The demonstration went wrong.
    #[error("{0}")]
    Demo(String),
}

impl CliError {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// A short name for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Api(error) => error.code(),
            Self::InUse { .. } => "in-use",
            Self::Wait(_) => "wait",
            Self::WrongPinWait { .. } => "wrong-pin",
            Self::NoDevice(_) => "no-device",
            Self::Usage(_) => "usage",
            Self::File { .. } => "file",
            Self::Exists { .. } => "exists",
            Self::Content { .. } => "content",
            Self::Stream { .. } => "stream",
            Self::NotAnswered { .. } => "not-answered",
            Self::LinesRefused { .. } => "refused-lines",
            Self::Demo(_) => "demo",
        }
    }

    /// 2 for a wrong command line, 1 for everything else.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            _ => 1,
        }
    }
}

/// A defect is reported with its causes: that is what whoever mends it needs. What is wrong is named once.
fn in_full(error: &ApiError) -> String {
    let mut text = match error {
        ApiError::Invalid { what, why } if why.in_english().starts_with(what.as_str()) => why.in_english(),
        error => error.to_string(),
    };
    if matches!(error, ApiError::Damaged { .. }) {
        text.push_str("; run `bedside repair`, which keeps what can be read");
    }
    if matches!(error, ApiError::Bug { .. }) {
        let mut cause = std::error::Error::source(error);
        while let Some(because) = cause {
            text.push_str(": ");
            text.push_str(&because.to_string());
            cause = because.source();
        }
        text.push_str("; please report it");
    }
    text
}

#[cfg(test)]
mod tests {
    use bedside_core::api::Message;

    use super::*;

    #[test]
    fn a_wrong_command_line_is_two_and_everything_else_is_one() {
        assert_eq!(CliError::usage("what?").exit_code(), 2);
        assert_eq!(CliError::Api(ApiError::Locked).exit_code(), 1);
        assert_eq!(CliError::Api(ApiError::Locked).code(), "locked");
    }

    #[test]
    fn what_is_wrong_is_named_once() {
        let invalid = |why: &str| {
            CliError::Api(ApiError::Invalid { what: "identity.born".into(), why: Message::just(why) })
                .to_string()
        };
        assert_eq!(invalid("identity.born: not a date"), "identity.born: not a date");
        assert_eq!(invalid("not a date"), "identity.born: not a date");
    }

    #[test]
    fn damage_is_told_with_what_to_do() {
        assert_eq!(
            CliError::Api(ApiError::Damaged { moved_to: None }).to_string(),
            "this device's data is damaged; run `bedside repair`, which keeps what can be read"
        );
    }

    #[test]
    fn a_defect_is_told_with_its_cause() {
        let cause: Box<dyn std::error::Error + Send + Sync> = "the disk caught fire".into();
        let error = CliError::Api(ApiError::Bug { step: "saving".into(), source: Some(cause) });
        assert_eq!(
            error.to_string(),
            "a defect of this software: saving: the disk caught fire; please report it"
        );
    }
}
