//! Another language than British English, from a folder of message files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bedside_core::api::{Language, Locale};

use crate::error::CliError;

/// The language of a folder: it is named by the language's tag, and every `.ftl` file in it is read. British English without one.
pub(crate) fn of(folder: Option<&Path>) -> Result<Arc<Language>, CliError> {
    let language = Arc::<Language>::default();
    if let Some(folder) = folder {
        language.speak(Arc::new(read(folder)?));
    }
    Ok(language)
}

fn read(folder: &Path) -> Result<Locale, CliError> {
    let failed = |path: &Path, source| CliError::File { path: path.to_owned(), step: "read", source };
    let whole = folder.canonicalize().map_err(|source| failed(folder, source))?;
    let tag = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let entries = fs::read_dir(&whole).map_err(|source| failed(folder, source))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ftl"));
    paths.sort();
    if paths.is_empty() {
        let why = "no message files (.ftl) are in it; see docs/views.md, How to translate".to_owned();
        return Err(CliError::Content { path: folder.to_owned(), why });
    }
    let texts = paths.iter().map(|path| fs::read_to_string(path).map_err(|source| failed(path, source)));
    let texts = texts.collect::<Result<Vec<String>, CliError>>()?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    Locale::new(&tag, &texts)
        .map_err(|error| CliError::Content { path: folder.to_owned(), why: error.to_string() })
}
