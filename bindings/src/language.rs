//! The language that everything is said in, in the whole process.

use std::sync::{Arc, LazyLock};

use bedside_core::api::{self, Language, Locale};

use crate::ApiError;

static LANGUAGE: LazyLock<Arc<Language>> = LazyLock::new(Arc::default);

pub(crate) fn language() -> &'static Arc<Language> {
    &LANGUAGE
}

/// From now on every device of this process says what it says of a plan in this language: a tag (BCP 47), and the contents of
/// its message files in the syntax of Project Fluent. What they lack is said in British English, which it begins with. What
/// somebody wrote stays as they wrote it.
///
/// Errors: `Invalid` for what is no language tag, and for messages that cannot be read.
#[uniffi::export]
pub fn speak(tag: String, messages: Vec<String>) -> Result<(), ApiError> {
    let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
    let locale = Locale::new(&tag, &messages).map_err(api::ApiError::from)?;
    language().speak(Arc::new(locale));
    Ok(())
}
