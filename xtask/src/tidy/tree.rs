//! The files that git tracks or would track, with the text of those that are text.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::command::{Error, output};

/// Files by path from the root, `/` between the parts. `None`: not text.
pub(super) struct Tree(BTreeMap<String, Option<String>>);

impl Tree {
    /// Reads every file that is tracked, or new and not ignored.
    pub(super) fn load(root: &Path) -> Result<Self, Error> {
        let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let listed = output(Command::new("git").current_dir(root).args(args))?;
        let mut files = BTreeMap::new();
        for path in String::from_utf8_lossy(&listed).split_terminator('\0') {
            let on_disk = root.join(path);
            // Removed but not yet committed, or a link to a folder.
            if !on_disk.is_file() {
                continue;
            }
            let bytes =
                std::fs::read(&on_disk).map_err(|source| Error::Read { path: on_disk.clone(), source })?;
            let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
            files.insert(path.to_owned(), text);
        }
        Ok(Self(files))
    }

    /// Every text file.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// Every text file whose name ends in one of these extensions.
    pub(super) fn with_extension<'a>(
        &'a self,
        extensions: &'a [&str],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.texts().filter(|(path, _)| extension(path).is_some_and(|e| extensions.contains(&e)))
    }

    /// The text of one file.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.0.get(path)?.as_deref()
    }

    /// True for a file, and for a folder that holds one; the root is the empty path.
    pub(super) fn has(&self, path: &str) -> bool {
        path.is_empty()
            || self.0.contains_key(path)
            || self.0.range(format!("{path}/")..).next().is_some_and(|(next, _)| is_within(next, path))
    }

    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), Some((*text).to_owned()))).collect())
    }
}

/// The part of a file's name after its last dot.
pub(super) fn extension(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    name.rsplit_once('.').map(|(_, extension)| extension)
}

/// True when `path` is `module`, the file `module.rs`, or inside the folder `module`.
pub(super) fn is_within(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest == ".rs" || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_there_when_it_holds_a_file() {
        let tree = Tree::of(&[("docs/adr/0001.md", ""), ("docs-old/x.md", "")]);
        assert!(tree.has("docs") && tree.has("docs/adr") && tree.has("docs/adr/0001.md"));
        assert!(!tree.has("doc") && !tree.has("docs/ad"));
    }

    #[test]
    fn a_module_is_its_file_or_its_folder_and_not_its_namesake() {
        assert!(is_within("core/src/plan/view.rs", "core/src/plan"));
        assert!(is_within("core/src/plan.rs", "core/src/plan"));
        assert!(!is_within("core/src/planner.rs", "core/src/plan"));
    }
}
