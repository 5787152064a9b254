//! The library for phones, and what can be checked of the apps without a phone maker's tools.

use std::path::{Path, PathBuf};
use std::process::Command;

use goblin::elf::{Elf, program_header::PT_LOAD};

use crate::bindings::{Built, copy_file, need_java, rename};
use crate::command::{Error, cargo, output, run as run_command, succeeds};
use crate::sizes::{SMALL_RELOCATIONS, shipped};

/// What Android Studio calls the four kinds of processor, and what Rust does.
const ABIS: &[(&str, &str)] = &[
    ("arm64-v8a", "aarch64-linux-android"),
    ("armeabi-v7a", "armv7-linux-androideabi"),
    ("x86_64", "x86_64-linux-android"),
    ("x86", "i686-linux-android"),
];

/// Android 11, as android/library/build.gradle.kts says.
const ANDROID_API: &str = "30";

/// Phones with pages of 16 KB load nothing that is laid out for smaller ones.
const PAGE_BYTES: u64 = 16 << 10;

/// A device, the simulator and a Mac; several processors of one kind go into one library.
const APPLE: &[(&str, &[&str])] = &[
    ("iphoneos", &["aarch64-apple-ios"]),
    ("iphonesimulator", &["aarch64-apple-ios-sim", "x86_64-apple-ios"]),
    ("macosx", &["aarch64-apple-darwin", "x86_64-apple-darwin"]),
];

/// Something that a build needs, whether it is here, and how to get it.
struct Need {
    what: String,
    here: bool,
    get: String,
}

/// Everything that is missing, at once.
fn all(needs: Vec<Need>) -> Result<(), Error> {
    let missing = needs.into_iter().filter(|need| !need.here);
    let lines: Vec<_> = missing.map(|Need { what, get, .. }| format!("  {what}: {get}")).collect();
    if lines.is_empty() { Ok(()) } else { Err(Error::MissingForPhones(lines.join("\n"))) }
}

fn targets<'a>(wanted: impl Iterator<Item = &'a str>, installed: &str) -> Vec<Need> {
    let need = |target: &str| Need {
        what: format!("Rust for {target}"),
        here: installed.lines().any(|line| line == target),
        get: format!("rustup target add {target}"),
    };
    wanted.map(need).collect()
}

/// None without rustup: then every target counts as missing, with the command that asks for it.
fn installed_targets() -> String {
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "list", "--installed"]);
    output(&mut rustup).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn android_needs(cargo_ndk: bool, ndk: bool, installed: &str) -> Vec<Need> {
    let mut needs = vec![
        Need {
            what: "cargo-ndk".to_owned(),
            here: cargo_ndk,
            get: "cargo install --locked cargo-ndk".to_owned(),
        },
        Need {
            what: "the Android NDK, version 28 or newer".to_owned(),
            here: ndk,
            get: "install it in Android Studio's SDK Manager, and set ANDROID_HOME or ANDROID_NDK_HOME"
                .to_owned(),
        },
    ];
    needs.extend(targets(ABIS.iter().map(|(_, target)| *target), installed));
    needs
}

/// True when one of the variables leads to an NDK.
fn has_ndk(variable: impl Fn(&str) -> Option<PathBuf>) -> bool {
    let direct = ["ANDROID_NDK_HOME", "ANDROID_NDK_ROOT"].iter().filter_map(|name| variable(name));
    let beside = ["ANDROID_HOME", "ANDROID_SDK_ROOT"].iter().filter_map(|name| variable(name));
    direct.chain(beside.map(|sdk| sdk.join("ndk"))).any(|folder| folder.is_dir())
}

fn android_build(root: &Path, libraries: &Path) -> Command {
    let mut build = cargo(root);
    build.args(["ndk", "--platform", ANDROID_API, "--output-dir"]).arg(libraries);
    for (abi, _) in ABIS {
        build.args(["--target", abi]);
    }
    build.env("RUSTFLAGS", SMALL_RELOCATIONS);
    shipped(root, build.args(["build", "--locked", "-p", "bedside-bindings", "--lib"]));
    build
}

/// Builds the library for Android's four ABIs and writes its Kotlin, where Android Studio looks for them.
pub(crate) fn android(root: &Path) -> Result<(), Error> {
    let ndk = has_ndk(|name| std::env::var_os(name).map(PathBuf::from));
    let cargo_ndk = succeeds(cargo(root).args(["ndk", "--version"]));
    all(android_needs(cargo_ndk, ndk, &installed_targets()))?;
    let sources = root.join("android/library/src");
    let libraries = sources.join("main/jniLibs");
    run_command(&mut android_build(root, &libraries))?;
    for (abi, _) in ABIS {
        check_pages(&libraries.join(abi).join("libbedside.so"))?;
    }
    Built::for_tests(root)?.generate(root, &["kotlin"], &sources.join("generated/kotlin"))
}

fn check_pages(library: &Path) -> Result<(), Error> {
    let bytes =
        std::fs::read(library).map_err(|source| Error::Read { path: library.to_path_buf(), source })?;
    let not = |why: String| Error::Manifest { path: library.to_path_buf(), why };
    let elf = Elf::parse(&bytes).map_err(|error| not(error.to_string()))?;
    // Processors of 32 bits have pages of 4 KB only.
    match alignment(&elf) {
        bytes if elf.is_64 && bytes < PAGE_BYTES => {
            Err(not(format!("laid out for pages of {bytes} bytes, not {PAGE_BYTES}: use NDK 28 or newer")))
        }
        _ => Ok(()),
    }
}

/// The smallest page that everything loaded from a library is laid out for.
fn alignment(elf: &Elf<'_>) -> u64 {
    let loaded = elf.program_headers.iter().filter(|header| header.p_type == PT_LOAD);
    loaded.map(|header| header.p_align).min().unwrap_or(0)
}

/// Compiles and tests the Kotlin of Android's library and app that needs neither its SDK nor its makers' repository.
pub(crate) fn android_check(root: &Path) -> Result<(), Error> {
    need_java()?;
    let built = Built::for_tests(root)?;
    let folder = built.target.join("android-check");
    built.generate(root, &["kotlin"], &folder.join("generated"))?;
    let mut maven = Command::new("mvn");
    maven.current_dir(root).args(["--batch-mode", "--no-transfer-progress"]);
    let property = |name: &str, path: &Path| format!("-Dbedside.{name}={}", path.display());
    maven.args(["--file", "android/check/pom.xml"]).arg(property("build", &folder));
    maven.arg(property("generated", &folder.join("generated"))).arg(property("programs", &built.programs()));
    run_command(maven.arg("test"))
}

fn apple_needs(mac: bool, xcode: bool, installed: &str) -> Vec<Need> {
    let mut needs = vec![
        Need {
            what: "macOS".to_owned(),
            here: mac,
            get: "Apple's linker and lipo run there only; `cargo xtask ios --linux` prepares `swift test` elsewhere"
                .to_owned(),
        },
        Need {
            what: "Xcode".to_owned(),
            here: xcode,
            get: "install it, open it once, then `xcode-select --switch` to it".to_owned(),
        },
    ];
    needs.extend(targets(APPLE.iter().flat_map(|(_, targets)| targets.iter().copied()), installed));
    needs
}

/// Every command that makes the XCFramework, in order.
fn xcframework(root: &Path, target: &Path, framework: &Path) -> Vec<Command> {
    let static_library = |triple: &str| target.join(triple).join("dist/libbedside.a");
    let folder = |kind: &str| target.join("apple").join(kind);
    let mut commands = Vec::new();
    for triple in APPLE.iter().flat_map(|(_, triples)| *triples) {
        let mut build = cargo(root);
        build.env("IPHONEOS_DEPLOYMENT_TARGET", "16.0").env("MACOSX_DEPLOYMENT_TARGET", "13.0");
        shipped(root, build.args(["rustc", "--locked", "-p", "bedside-bindings", "--lib"]));
        build.args(["--crate-type", "staticlib", "--target", triple]);
        commands.push(build);
    }
    for (kind, triples) in APPLE {
        let mut lipo = Command::new("lipo");
        lipo.arg("-create").args(triples.iter().map(|triple| static_library(triple)));
        lipo.arg("-output").arg(folder(kind).join("libbedside.a"));
        commands.push(lipo);
    }
    let mut create = Command::new("xcodebuild");
    create.arg("-create-xcframework");
    for (kind, _) in APPLE {
        create.arg("-library").arg(folder(kind).join("libbedside.a"));
        create.arg("-headers").arg(folder("headers"));
    }
    create.arg("-output").arg(framework);
    commands.push(create);
    commands
}

/// Makes the XCFramework and the Swift side of it, where ios/Package.swift looks for them.
pub(crate) fn ios(root: &Path) -> Result<(), Error> {
    let xcode = succeeds(Command::new("xcodebuild").arg("-version"));
    all(apple_needs(cfg!(target_os = "macos"), xcode, &installed_targets()))?;
    let built = Built::for_tests(root)?;
    let swift = Swift::generated(root, &built)?;
    let headers = built.target.join("apple/headers");
    for folder in APPLE.iter().map(|(kind, _)| built.target.join("apple").join(kind)).chain([headers.clone()])
    {
        made(&folder)?;
    }
    copy_file(&swift.header, &headers.join("BedsideFFI.h"))?;
    copy_file(&swift.module_map, &headers.join("module.modulemap"))?;
    let framework = root.join("ios/build/BedsideFFI.xcframework");
    if framework.exists() {
        std::fs::remove_dir_all(&framework)
            .map_err(|source| Error::Read { path: framework.clone(), source })?;
    }
    xcframework(root, &built.target, &framework).iter_mut().try_for_each(run_command)?;
    println!("made {}", framework.display());
    Ok(())
}

/// Puts the library and the Swift side of it where ios/Package.swift looks on Linux, and tests with Swift when it is here.
pub(crate) fn ios_linux(root: &Path) -> Result<(), Error> {
    let built = Built::for_tests(root)?;
    let swift = Swift::generated(root, &built)?;
    copy_file(&swift.header, &root.join("ios/Sources/BedsideFFI/BedsideFFI.h"))?;
    let library = built.library();
    let folder = root.join("ios/build/linux");
    made(&folder)?;
    copy_file(&library, &folder.join(library.file_name().unwrap_or_default()))?;
    if succeeds(Command::new("swift").arg("--version")) {
        run_command(Command::new("swift").current_dir(root).args(["test", "--package-path", "ios"]))
    } else {
        println!("ready: with Swift 6, `swift test --package-path ios` (Debian 13 has it as swiftlang)");
        Ok(())
    }
}

/// What is generated for Swift, the source already in its place.
struct Swift {
    header: PathBuf,
    module_map: PathBuf,
}

impl Swift {
    fn generated(root: &Path, built: &Built) -> Result<Self, Error> {
        let out = built.target.join("swift");
        built.generate(root, &["swift"], &out)?;
        let place = root.join("ios/Sources/Bedside/Generated");
        made(&place)?;
        rename(&out.join("Bedside.swift"), &place.join("Bedside.swift"))?;
        Ok(Self { header: out.join("BedsideFFI.h"), module_map: out.join("BedsideFFI.modulemap") })
    }
}

fn made(folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|source| Error::Read { path: folder.to_path_buf(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::line;

    #[test]
    fn everything_that_is_missing_is_said_at_once_with_how_to_get_it() {
        let said = all(android_needs(false, false, "aarch64-linux-android\n")).unwrap_err().to_string();
        for part in
            ["cargo install --locked cargo-ndk", "ANDROID_HOME", "rustup target add x86_64-linux-android"]
        {
            assert!(said.contains(part), "{said}");
        }
        assert!(!said.contains("target add aarch64-linux-android"), "{said}");
        let all_targets: Vec<_> = ABIS.iter().map(|(_, target)| *target).collect();
        assert!(all(android_needs(true, true, &all_targets.join("\n"))).is_ok());
    }

    #[test]
    fn an_ndk_is_found_by_its_own_variable_or_beside_the_sdk() {
        let folder = std::env::temp_dir().join(format!("bedside-ndk-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("ndk")).unwrap();
        let set =
            |wanted: &'static str, path: PathBuf| move |name: &str| (name == wanted).then(|| path.clone());
        assert!(has_ndk(set("ANDROID_HOME", folder.clone())));
        assert!(has_ndk(set("ANDROID_NDK_HOME", folder.join("ndk"))));
        assert!(!has_ndk(set("ANDROID_HOME", folder.join("ndk"))));
        assert!(!has_ndk(|_| None));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn android_is_built_for_four_processors() {
        let said = line(&android_build(Path::new("."), Path::new("out")));
        for (abi, _) in ABIS {
            assert!(said.contains(&format!("--target {abi}")), "{said}");
        }
        assert!(said.contains("ndk --platform 30 --output-dir out"), "{said}");
    }

    #[test]
    fn a_mac_without_xcode_is_told_so_and_elsewhere_there_is_another_way() {
        let said = all(apple_needs(false, false, "")).unwrap_err().to_string();
        for part in ["--linux", "xcode-select", "rustup target add aarch64-apple-ios-sim"] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn the_framework_holds_a_device_the_simulator_and_a_mac() {
        let commands = xcframework(Path::new("."), Path::new("target"), Path::new("B.xcframework"));
        let lines: Vec<_> = commands.iter().map(line).collect();
        assert_eq!(lines.len(), 5 + 3 + 1);
        assert!(lines[0].ends_with("--crate-type staticlib --target aarch64-apple-ios"), "{}", lines[0]);
        assert_eq!(
            lines[6],
            "lipo -create target/aarch64-apple-ios-sim/dist/libbedside.a target/x86_64-apple-ios/dist/libbedside.a \
             -output target/apple/iphonesimulator/libbedside.a"
        );
        assert_eq!(lines[8].matches("-headers target/apple/headers").count(), 3);
    }

    /// This test's own program stands for a library.
    #[test]
    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    fn a_library_for_small_pages_is_refused_and_one_for_large_pages_is_not() {
        const P_ALIGN_AT: usize = 48;
        let mut bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let (at, size, count) = {
            let elf = Elf::parse(&bytes).unwrap();
            (elf.header.e_phoff, elf.header.e_phentsize, elf.header.e_phnum)
        };
        let folder = std::env::temp_dir().join(format!("bedside-pages-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let library = folder.join("libbedside.so");
        let mut with = |page: u64| {
            for index in 0..usize::from(count) {
                let place = usize::try_from(at).unwrap() + index * usize::from(size) + P_ALIGN_AT;
                bytes[place..place + 8].copy_from_slice(&page.to_le_bytes());
            }
            std::fs::write(&library, &bytes).unwrap();
            check_pages(&library)
        };
        assert!(with(4 << 10).unwrap_err().to_string().contains("NDK 28"));
        assert!(with(16 << 10).is_ok());
        assert!(with(64 << 10).is_ok());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
