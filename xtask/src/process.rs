//! Starting other programs: a clean environment, and errors that say which program failed.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// A command without the variables that cargo and rustup set for *this* program: an inner cargo
/// would take them for the user's own (another toolchain, another package).
pub fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    for (key, _) in env::vars_os() {
        let name = key.to_string_lossy();
        let ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|prefix| name.starts_with(prefix));
        let exact = [
            "CARGO",
            "CARGO_CRATE_NAME",
            "CARGO_PRIMARY_PACKAGE",
            "OUT_DIR",
            "RUSTUP_TOOLCHAIN",
            "RUST_RECURSION_COUNT",
        ];
        if ours || exact.contains(&name.as_ref()) {
            command.env_remove(&key);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// The text that a command prints, trimmed. Fails when the command does.
pub fn text(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {}", shown(command)))?;
    if !output.status.success() {
        bail!("{} failed ({}): {}", shown(command), output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a command, its output passing through. Fails when the command does.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", shown(command));
    }
    Ok(())
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|part| part.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The first program of these names on PATH.
pub fn find(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    names.iter().find_map(|name| env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()))
}

/// PATH with these folders in front.
pub fn path_with(front: &[PathBuf]) -> Result<OsString> {
    let rest = env::var_os("PATH").unwrap_or_default();
    env::join_paths(front.iter().cloned().chain(env::split_paths(&rest)))
        .context("a folder name with a colon cannot be put on PATH")
}

/// Minutes and seconds, or seconds with a tenth.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{}:{:02} min", seconds / 60, seconds % 60)
    }
}

/// Bytes in the unit that suits them.
pub fn size(bytes: u64) -> String {
    #[allow(clippy::cast_precision_loss)] // Shown to two places.
    let bytes_f = bytes as f64;
    if bytes < 10_000 {
        format!("{bytes} B")
    } else if bytes < 1_000_000 {
        format!("{:.0} kB", bytes_f / 1e3)
    } else {
        format!("{:.2} MB", bytes_f / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_read_well_at_their_borders() {
        assert_eq!(clock(Duration::from_millis(59_940)), "59.9 s");
        assert_eq!(clock(Duration::from_secs(60)), "1:00 min");
        assert_eq!(clock(Duration::from_secs(725)), "12:05 min");
        assert_eq!(size(9_999), "9999 B");
        assert_eq!(size(10_000), "10 kB");
        assert_eq!(size(1_870_000), "1.87 MB");
    }

    #[test]
    fn a_failing_command_names_itself_and_its_words() {
        let error = text(command("sh").args(["-c", "echo why >&2; exit 3"])).unwrap_err().to_string();
        assert!(error.contains("sh -c") && error.contains("why"), "{error}");
    }

    #[test]
    fn inner_commands_do_not_see_the_outer_package() {
        // Cargo sets CARGO_MANIFEST_DIR for this test.
        assert!(env::var_os("CARGO_MANIFEST_DIR").is_some());
        let seen = text(command("sh").args(["-c", "echo [$CARGO_MANIFEST_DIR]"])).unwrap();
        assert_eq!(seen, "[]");
    }
}
