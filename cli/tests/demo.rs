//! The demonstration, with the relay's real program. It checks itself whatever it claims; this sees that it ends well.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Builds the relay beside the program under test, as fresh as that one is.
fn relay() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_bedside"));
    let folder = program.parent().unwrap();
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--workspace", "--bin", "bedside-relay", "--profile", profile])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TARGET_DIR", folder.parent().unwrap())
        .status();
    assert!(built.unwrap().success(), "the relay does not build");
    program.with_file_name(format!("bedside-relay{}", std::env::consts::EXE_SUFFIX))
}

#[test]
fn the_story_ends_with_one_plan_on_three_devices_and_no_confirmed_edit_lost() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bedside"));
    command.args(["--json", "demo", "--dir"]).arg(dir.path()).arg("--relay-binary").arg(relay());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["same_on_all_devices"], true);
    let count = |name: &str| told[name].as_u64().unwrap();
    assert!(
        count("confirmed_before_kill") >= 6 && count("kept_after_kill") >= count("confirmed_before_kill")
    );
    assert!(
        told["syncs"]
            .as_array()
            .unwrap()
            .iter()
            .all(|sync| sync["took"]["round_trips"].as_u64().unwrap() > 0)
    );
}
