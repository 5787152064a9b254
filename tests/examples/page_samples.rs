//! Writes pages of invented plans into a folder, for `cargo xtask pages` to have them looked at in a browser.

use std::error::Error;
use std::path::PathBuf;

use bedside_core::api::Audience;
use bedside_core::testing::pages::{crowded, page, samples};

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = std::env::args_os().nth(1).ok_or("name a folder")?.into();
    std::fs::create_dir_all(&folder)?;
    for (name, view, urgent) in samples().into_iter().chain(crowded()) {
        for audience in Audience::ALL {
            let view = if audience == Audience::Urgent { &urgent } else { &view };
            let file = folder.join(format!("{name}-{}.html", audience.name()));
            std::fs::write(file, page(name, view, audience).html())?;
        }
    }
    Ok(())
}
