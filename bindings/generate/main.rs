//! Writes the Kotlin, Swift or Python side of a built library: `cargo xtask bindings` runs it.

use std::process::ExitCode;

use uniffi::{GenerateOptions, TargetLanguage, generate};

const USAGE: &str = "usage: bedside-generate LIBRARY OUT kotlin|swift|python ...";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(source), Some(out_dir)) = (arguments.next(), arguments.next()) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let Some(languages) = arguments.map(|name| language(&name)).collect::<Option<Vec<_>>>() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let options = GenerateOptions {
        languages,
        source: source.into(),
        out_dir: out_dir.into(),
        // Its configuration is this package's; asking about dependencies would need all of them.
        metadata_no_deps: true,
        ..GenerateOptions::default()
    };
    match generate(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn language(name: &str) -> Option<TargetLanguage> {
    match name {
        "kotlin" => Some(TargetLanguage::Kotlin),
        "swift" => Some(TargetLanguage::Swift),
        "python" => Some(TargetLanguage::Python),
        _ => None,
    }
}
