//! The other side of the library that cargo built for a test.

use std::path::{Path, PathBuf};

use uniffi::{GenerateOptions, TargetLanguage, generate};

fn library() -> PathBuf {
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    std::env::current_exe().unwrap().with_file_name(format!("{prefix}bedside{suffix}"))
}

/// A file of what is generated in a language.
pub(crate) fn generated(language: TargetLanguage, file: &str) -> String {
    let out = tempfile::tempdir().unwrap();
    let utf8 = |path: &Path| path.to_str().unwrap().into();
    generate(GenerateOptions {
        languages: vec![language],
        source: utf8(&library()),
        out_dir: utf8(out.path()),
        metadata_no_deps: true,
        ..GenerateOptions::default()
    })
    .unwrap();
    std::fs::read_to_string(out.path().join(file)).unwrap()
}
