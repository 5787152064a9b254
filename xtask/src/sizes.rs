//! How large the library is that apps carry, and what in it is large.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::command::{Error, cargo, metadata, output, run as run_command};
use crate::tasks::target_directory;

/// The aim for one ABI, in bytes. A phone's owner should not notice.
const AIM: u64 = 8 << 20;

/// What it may be at most until the aim is reached.
const BUDGET: u64 = 13 << 20;

/// How many contributors are named.
const NAMED: usize = 12;

/// Builds the library for this host as it ships, and prints its stripped size and the largest contributors.
///
/// Fails over the budget. Other ABIs need their linkers: `cargo xtask android` and `ios` build those.
pub(crate) fn run(root: &Path) -> Result<(), Error> {
    let library = library_with_symbols(root)?;
    let stripped = library.with_extension("stripped");
    run_command(Command::new("strip").arg("--strip-all").arg("-o").arg(&stripped).arg(&library))?;
    let bytes = std::fs::metadata(&stripped).map_err(|source| Error::Read { path: stripped, source })?.len();
    let symbols =
        output(Command::new("nm").args(["--size-sort", "--print-size", "--defined-only"]).arg(&library))?;
    println!(
        "{} for {}: {}; aim {}, budget {}",
        file_name(&library),
        std::env::consts::ARCH,
        mib(bytes),
        mib(AIM),
        mib(BUDGET)
    );
    println!("of its code and data, by symbol:");
    for (name, bytes) in by_crate(&String::from_utf8_lossy(&symbols)).into_iter().take(NAMED) {
        println!("  {name:<28}{:>10}", mib(bytes));
    }
    println!("other ABIs are built where their linkers are: the Android NDK, Xcode");
    if bytes > BUDGET { Err(Error::TooLarge { bytes, budget: BUDGET }) } else { Ok(()) }
}

/// Relative addresses as a bitmap (RELR), which Android reads since 11 and glibc since 2.36: a megabyte less.
pub(crate) const SMALL_RELOCATIONS: &str = "-Clink-arg=-Wl,-z,pack-relative-relocs";

/// Makes a build by cargo one of what ships: in the profile for it, and with an OpenSSL of only what SQLCipher uses.
pub(crate) fn shipped<'c>(root: &Path, build: &'c mut Command) -> &'c mut Command {
    build.env("OPENSSL_SRC_PERL", root.join("xtask/openssl/perl")).args(["--profile", "dist"])
}

/// The library as it ships, but with the symbols that say what is what.
pub(crate) fn library_with_symbols(root: &Path) -> Result<std::path::PathBuf, Error> {
    let mut build = cargo(root);
    build.env("CARGO_PROFILE_DIST_STRIP", "none").env("RUSTFLAGS", SMALL_RELOCATIONS);
    run_command(shipped(root, build.args(["build", "--locked", "-p", "bedside-bindings"])))?;
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    Ok(target_directory(&metadata(root)?)?.join("dist").join(format!("{prefix}bedside{suffix}")))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn mib(bytes: u64) -> String {
    format!("{:.2} MiB", bytes as f64 / f64::from(1 << 20))
}

/// Sizes of symbols as `nm` prints them, summed by crate, largest first. What has no Rust name is C.
fn by_crate(symbols: &str) -> Vec<(String, u64)> {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for line in symbols.lines() {
        let mut parts = line.split_whitespace().skip(1);
        let (Some(size), Some(name)) = (parts.next(), parts.nth(1)) else { continue };
        let Ok(size) = u64::from_str_radix(size, 16) else { continue };
        *sums.entry(crate_of(name)).or_default() += size;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    sums
}

/// The first crate that a mangled name gives: of `_ZN4core3ptr...` it is `core`, of a v0 name the first with a disambiguator.
fn crate_of(name: &str) -> String {
    let c = || if name.starts_with("sqlite3") { "SQLCipher (C)" } else { "OpenSSL and other C" }.to_owned();
    if let Some(rest) = name.strip_prefix("_ZN") {
        return counted(rest).map_or_else(c, |first| inner(first).unwrap_or(first).to_owned());
    }
    let Some(rest) = name.strip_prefix("_R") else { return c() };
    let roots = rest.match_indices("Cs").filter_map(|(at, _)| counted(rest[at + 2..].split_once('_')?.1));
    let mut named = roots.filter(|name| !name.is_empty());
    let first = named.next();
    let ours = named.find(|name| !["core", "alloc", "std"].contains(name));
    match first {
        Some("core" | "alloc" | "std") => ours.or(first).unwrap_or("core").to_owned(),
        Some(first) => first.to_owned(),
        None => c(),
    }
}

/// `3ptr...` is `ptr`.
fn counted(text: &str) -> Option<&str> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let length: usize = text[..digits].parse().ok()?;
    text[digits..].get(..length)
}

/// Of `_$LT$automerge..Change$u20$as...` it is `automerge`.
fn inner(first: &str) -> Option<&str> {
    let named = first.strip_prefix("_$LT$")?;
    let named =
        named.trim_start_matches("$RF$").trim_start_matches("mut$u20$").trim_start_matches("dyn$u20$");
    let end = named.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    (end > 0).then(|| &named[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_belongs_to_the_crate_that_it_names_or_to_c() {
        assert_eq!(crate_of("_ZN9automerge6change5apply17h0123456789abcdefE"), "automerge");
        let implementation = "_$LT$rusqlite..Error$u20$as$u20$core..fmt..Debug$GT$";
        let mangled = format!("_ZN{}{implementation}3fmt17hE", implementation.len());
        assert_eq!(crate_of(&mangled), "rusqlite");
        assert_eq!(crate_of("_RNvNtCs4fqI2P2rA04_12bedside_core3api4sync"), "bedside_core");
        assert_eq!(crate_of("_RNvMs_NtCs1_4core3fmtNtCs2_9automerge6Change"), "automerge");
        assert_eq!(crate_of("sqlite3_exec"), "SQLCipher (C)");
        assert_eq!(crate_of("EVP_EncryptInit_ex"), "OpenSSL and other C");
    }

    #[test]
    fn sizes_are_summed_and_the_largest_comes_first() {
        let symbols = "0001 0000000000000010 T sqlite3_open\n0002 0000000000000020 t sqlite3_step\n\
                       0003 0000000000000100 t _ZN4ring4aead17hE\nnonsense\n";
        assert_eq!(by_crate(symbols), [("ring".to_owned(), 0x100), ("SQLCipher (C)".to_owned(), 0x30)]);
    }
}
