//! Times, and the tables that are printed.
//!
//! Everything is compared within one run and quoted as a median: a shared machine is never twice the same.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// One benchmark program: its name and what it was asked for.
pub(crate) struct Program {
    name: &'static str,
    filter: Option<String>,
}

impl Program {
    /// Reads the command line. `None` when this program is not asked for: another one's name was given, or
    /// `cargo test --all-targets` only wants to know that it starts.
    pub(crate) fn start(name: &'static str, about: &str, cases: &[&str]) -> Option<Self> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        if !arguments.iter().any(|argument| argument == "--bench") {
            println!("{name}: run it by `cargo bench -p bedside-tests --bench {name}`");
            return None;
        }
        let filter = arguments.into_iter().find(|argument| !argument.starts_with('-'));
        let program = Self { name, filter };
        if !cases.iter().any(|case| program.wants(case)) {
            return None;
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        println!("\n== {name}: {about}");
        println!("   {cores} cores, {} {}", std::env::consts::OS, std::env::consts::ARCH);
        Some(program)
    }

    /// True when the filter is part of `name/case`, or there is none.
    pub(crate) fn wants(&self, case: &str) -> bool {
        let whole = format!("{}/{case}", self.name);
        self.filter.as_ref().is_none_or(|filter| whole.contains(filter.as_str()))
    }
}

/// The moment, for differences only.
#[expect(clippy::disallowed_methods, reason = "benchmarks measure real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Runs something and says how long it took.
pub(crate) fn time<R>(run: impl FnOnce() -> R) -> (Duration, R) {
    let began = now();
    let result = run();
    (began.elapsed(), result)
}

/// Several measurements of the same thing.
#[derive(Default, Clone)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Milliseconds.
    pub(crate) fn push_time(&mut self, time: Duration) {
        self.push(time.as_secs_f64() * 1e3);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The value that the given part of the samples does not exceed.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "part is from 0 to 1")]
        let place = ((sorted.len() as f64 * part).ceil() as usize).clamp(1, sorted.len());
        sorted[place - 1]
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }
}

/// What was measured, with the aim beside it.
#[derive(Default)]
pub(crate) struct Table(Vec<[String; 3]>);

impl Table {
    /// A line without an aim.
    pub(crate) fn line(&mut self, what: &str, measured: String) {
        self.aim(what, measured, "");
    }

    pub(crate) fn aim(&mut self, what: &str, measured: String, aim: &str) {
        self.0.push([what.to_owned(), measured, aim.to_owned()]);
    }

    pub(crate) fn print(&self, title: &str) {
        let mut text = format!("\n{title}\n");
        let aims = self.0.iter().any(|[_, _, aim]| !aim.is_empty());
        let head = ["", "measured", if aims { "aim" } else { "" }].map(str::to_owned);
        for [what, measured, aim] in std::iter::once(&head).chain(&self.0) {
            let line = format!("  {what:<45} {measured:>15}  {aim}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        print!("{text}");
    }
}

pub(crate) fn ms(milliseconds: f64) -> String {
    match milliseconds {
        ms if ms < 10.0 => format!("{ms:.2} ms"),
        ms if ms < 1_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1e3),
    }
}

pub(crate) fn kb(bytes: f64) -> String {
    format!("{:.1} KB", bytes / 1e3)
}

/// Says on the error output what takes long.
pub(crate) fn progress(text: &str) {
    eprintln!("   ... {text}");
}

/// A directory on the disk that holds the build, where a sync is a sync.
pub(crate) fn on_disk() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the build directory can be written to")
}

/// A directory in memory where there is one, for what is not about the disk.
pub(crate) fn in_memory() -> TempDir {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() {
        return tempfile::tempdir_in(memory).expect("/dev/shm can be written to");
    }
    println!("   there is no /dev/shm: databases are on the disk");
    on_disk()
}
