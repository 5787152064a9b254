//! Writes documents of invented plans into a folder, for `cargo xtask fhir` to have them judged.

use std::error::Error;
use std::path::PathBuf;

use bedside_core::fhir::{Bases, write_plan};
use bedside_core::testing::pages::confided;
use bedside_core::testing::plans::{Fullness, sample};

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = std::env::args_os().nth(1).ok_or("name a folder")?.into();
    std::fs::create_dir_all(&folder)?;
    let filled = [Fullness::Number, Fullness::Everything, Fullness::Unanswered].map(|fullness| (1, fullness));
    let by_chance = (10..16).map(|seed| (seed, Fullness::Chance));
    for (seed, fullness) in filled.into_iter().chain(by_chance) {
        let made = sample(seed, fullness);
        let bases = Bases::from([("01".repeat(32), "03".repeat(32))]);
        let name = format!("{fullness:?}-{seed}.json").to_lowercase();
        std::fs::write(folder.join(name), write_plan("5f1a", &made.view, &bases))?;
    }
    std::fs::write(folder.join("confided.json"), write_plan("5f1a", &confided().view(), &Bases::new()))?;
    Ok(())
}
