//! What passed already: tests whose files, tools and browser are those of a run that passed are not run again, as a compiler
//! does not compile again what did not change. Continuous integration runs all of them (`--again`). Of what is installed, the
//! compiler, the browser with its driver and the interpreters are looked at; libraries of the system, drivers of graphics cards
//! among them, are not.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::process::{command, text};
use crate::setup::Ready;
use crate::stages::Tally;
use crate::stamp;

/// Notes of what passed, one file each: the hash of what it was run on, and how many tests there were.
pub struct Passed {
    folder: PathBuf,
    root: PathBuf,
    tools: String,
    again: bool,
}

impl Passed {
    /// The notes of this checkout; `again`: all are run, whatever passed.
    pub fn new(ready: &Ready, again: bool) -> Result<Self> {
        let mut tools = vec![ready.toolchain.name(), std::env::var("RUSTFLAGS").unwrap_or_default()];
        let mut programs = vec![ready.tool("node")?, ready.tool("wasm-split")?];
        programs.extend(ready.python.iter().map(command));
        programs.extend(ready.browser.iter().flat_map(|browser| [&browser.chrome, &browser.driver]).map(command));
        // What is not there is another tool than any version of it.
        tools.extend(programs.iter_mut().map(|program| text(program.arg("--version")).unwrap_or_default()));
        let root = ready.workspace.root.clone();
        let folder = root.join("target").join("passed");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self { folder, root, tools: tools.join("\n"), again })
    }

    /// The hash of the tools and of the checkout's files, without those whose path starts or ends with one of `without`.
    /// Outside of a git checkout nobody knows which files belong to it: `None`.
    pub fn inputs(&self, without: &[&str]) -> Option<String> {
        let mut git = command("git");
        let listed = git.current_dir(&self.root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let listed = text(listed).ok()?;
        let apart = |file: &str| without.iter().any(|part| file.starts_with(part) || file.ends_with(part));
        let names: Vec<&str> = listed.split_terminator('\0').filter(|file| !apart(file)).collect();
        let files = stamp::files(&self.root, &names).ok()?;
        Some(stamp::parts(&[files.as_bytes(), self.tools.as_bytes()]))
    }

    /// How many tests of this name passed on these inputs.
    pub fn before(&self, name: &str, inputs: Option<&str>) -> Option<Tally> {
        let kept = std::fs::read_to_string(self.folder.join(name)).ok()?;
        let (hash, count) = kept.split_once(' ')?;
        let before = count.parse().ok()?;
        (!self.again && inputs == Some(hash)).then_some(Tally { before, ..Tally::default() })
    }

    /// Notes that all tests of this name passed.
    pub fn note(&self, name: &str, inputs: Option<&str>, count: usize) -> Result<()> {
        match inputs {
            Some(hash) => stamp::write(&self.folder.join(name), &format!("{hash} {count}")),
            None => Ok(()),
        }
    }

    /// From here on nothing of this name is known to have passed: it is run again.
    pub fn forget(&self, name: &str) {
        let _ = std::fs::remove_file(self.folder.join(name));
    }

    /// Runs a stage, unless it passed on these inputs. What changes while it runs was not seen to pass.
    pub fn or_run(&self, name: &str, without: &[&str], work: impl FnOnce() -> Result<Tally>) -> Result<Tally> {
        let inputs = self.inputs(without);
        if let Some(tally) = self.before(name, inputs.as_deref()) {
            println!("{name}: its {} tests passed on the very same files and tools; not run again", tally.before);
            return Ok(tally);
        }
        self.forget(name);
        let tally = work()?;
        if tally.failed == 0 && self.inputs(without) == inputs {
            self.note(name, inputs.as_deref(), tally.passed)?;
        }
        Ok(tally)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::run;

    #[test]
    fn what_passed_is_run_again_when_a_file_of_its_changes_or_did_meanwhile_or_when_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let passed = |again, tools: &str| Passed {
            folder: at("out"),
            root: folder.path().to_path_buf(),
            tools: tools.into(),
            again,
        };
        let write = |name: &str, text: &str| std::fs::write(at(name), text).unwrap();
        let tally = |passed, failed, before| Tally { passed, failed, before };
        let ours = passed(false, "1");
        let good = || Ok(tally(3, 0, 0));
        let stage = |work: &dyn Fn() -> Result<Tally>| ours.or_run("stage", &["apart/", ".md"], work).unwrap();
        std::fs::create_dir_all(at("out")).unwrap();
        std::fs::create_dir_all(at("apart")).unwrap();
        write(".gitignore", "/out");
        write("a", "1");
        assert_eq!((stage(&good), stage(&good)), (good().unwrap(), good().unwrap()), "without git");
        run(command("git").args(["init", "--quiet"]).current_dir(folder.path())).unwrap();

        let failed = tally(2, 1, 0);
        assert_eq!((stage(&|| Ok(failed)), stage(&|| Ok(failed))), (failed, failed));
        let edited = || {
            write("a", "2");
            good()
        };
        assert_eq!((stage(&edited), stage(&good), stage(&good)), (tally(3, 0, 0), tally(3, 0, 0), tally(0, 0, 3)));
        write("apart/b", "1");
        write("c.md", "1");
        write("out/d", "1");
        assert_eq!(stage(&good), tally(0, 0, 3));
        write("e", "1");
        assert_eq!((stage(&good), stage(&good)), (tally(3, 0, 0), tally(0, 0, 3)));
        for other in [passed(true, "1"), passed(false, "2")] {
            assert_eq!(other.or_run("stage", &["apart/", ".md"], good).unwrap(), tally(3, 0, 0));
        }
        assert_eq!((stage(&good), stage(&good)), (tally(3, 0, 0), tally(0, 0, 3)));
        assert_eq!(passed(true, "1").or_run("stage", &["apart/", ".md"], || Ok(failed)).unwrap(), failed);
        assert_eq!(stage(&good), tally(3, 0, 0), "it passed once, and failed since");
    }
}
