//! What the apps' hand-written Kotlin and Swift may import. ADR 0022 gives the reasons.

use super::tree::Tree;
use super::{Fault, Finding};

struct Rule {
    folder: &'static str,
    forbidden: &'static [&'static str],
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        folder: "android/library/src/shared",
        forbidden: &["android", "androidx"],
        why: "what is shared with the JVM needs no Android",
    },
    Rule {
        folder: "android/library/src/platform",
        forbidden: &["androidx"],
        why: "src/platform compiles everywhere; what needs AndroidX is in src/main",
    },
    Rule {
        folder: "android/app/src/screens",
        forbidden: &["android", "androidx.activity", "androidx.lifecycle", "androidx.work"],
        why: "screens compile everywhere; what needs an activity is in src/main",
    },
    Rule {
        folder: "android",
        forbidden: &["com.sun.jna"],
        why: "handles and pointers stay in the generated code",
    },
    Rule {
        folder: "ios",
        forbidden: &["BedsideFFI"],
        why: "handles and pointers stay in the generated code",
    },
];

/// Every import that a folder must not have.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<_> = RULES
        .iter()
        .filter(|rule| !tree.has(rule.folder))
        .map(|rule| Finding::new("xtask", 0, Fault::RuleAboutNothing { subject: rule.folder.to_owned() }))
        .collect();
    for (path, text) in tree.with_extension(&["kt", "swift"]) {
        for rule in RULES.iter().filter(|rule| path.starts_with(&format!("{}/", rule.folder))) {
            let imports = (1..).zip(text.lines()).filter_map(|(line, text)| Some((line, imported(text)?)));
            let bad = imports.filter(|(_, name)| rule.forbidden.iter().any(|module| is_in(name, module)));
            findings.extend(bad.map(|(line, name)| {
                Finding::new(path, line, Fault::Names { name: name.to_owned(), why: rule.why })
            }));
        }
    }
    findings
}

/// `import a.b`, `@testable import a`.
fn imported(line: &str) -> Option<&str> {
    line.trim().trim_start_matches("@testable ").strip_prefix("import ").map(str::trim)
}

fn is_in(name: &str, module: &str) -> bool {
    name.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str, text: &str) -> Vec<String> {
        let folders: Vec<_> = RULES.iter().map(|rule| format!("{}/there", rule.folder)).collect();
        let mut files: Vec<_> = folders.iter().map(|path| (path.as_str(), "")).collect();
        files.push((path, text));
        let findings = check(&Tree::of(&files)).into_iter();
        findings
            .map(|finding| match finding.fault {
                Fault::Names { name, .. } => name,
                other => other.to_string(),
            })
            .collect()
    }

    #[test]
    fn shared_kotlin_that_needs_android_is_found() {
        let shared = "android/library/src/shared/kotlin/A.kt";
        assert_eq!(names(shared, "import android.content.Context\n"), ["android.content.Context"]);
        assert_eq!(names(shared, "import androidx.work.WorkManager\n"), ["androidx.work.WorkManager"]);
        assert_eq!(names(shared, "import androids.Dream\n"), [""; 0]);
    }

    #[test]
    fn platform_kotlin_may_know_android_and_not_androidx() {
        let platform = "android/library/src/platform/kotlin/A.kt";
        assert_eq!(names(platform, "import android.content.Context\n"), [""; 0]);
        assert_eq!(names(platform, "import androidx.work.Data\n"), ["androidx.work.Data"]);
        assert_eq!(names("android/library/src/main/kotlin/A.kt", "import androidx.work.Data\n"), [""; 0]);
    }

    #[test]
    fn screens_may_know_compose_only() {
        let screens = "android/app/src/screens/kotlin/A.kt";
        assert_eq!(names(screens, "import androidx.compose.ui.Modifier\n"), [""; 0]);
        assert_eq!(names(screens, "import androidx.activity.compose.setContent\n").len(), 1);
    }

    #[test]
    fn a_handle_outside_the_generated_code_is_found() {
        assert_eq!(names("android/app/A.kt", "import com.sun.jna.Pointer\n"), ["com.sun.jna.Pointer"]);
        assert_eq!(names("ios/Sources/Bedside/A.swift", "    @testable import BedsideFFI\n"), ["BedsideFFI"]);
        assert_eq!(names("ios/Sources/Bedside/A.swift", "import Bedside\n"), [""; 0]);
    }

    #[test]
    fn a_rule_about_a_folder_that_is_gone_is_found() {
        assert!(check(&Tree::of(&[("android/jvm/a", "")])).len() == RULES.len() - 1);
    }
}
