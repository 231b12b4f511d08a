//! What a result was measured on.

use std::thread::available_parallelism;

use anyhow::Result;

use crate::process::{command, text};
use crate::setup::Ready;
use crate::site::Bundles;

/// The machine and the versions.
pub struct Machine {
    /// Name and value, in the order they are shown.
    pub lines: Vec<(&'static str, String)>,
    /// Version of the browser, once it ran.
    pub browser: Option<String>,
    /// Whether something else was running before the first measurement.
    pub busy: bool,
    /// Milliseconds of a step of a program alone, and of each of two at a time, in the best rounds.
    pub side_by_side: Option<[f64; 2]>,
}

impl Machine {
    /// Looks around. What the system does not say is left out.
    pub fn now(ready: &Ready) -> Result<Self> {
        let file = |name: &str| std::fs::read_to_string(name).unwrap_or_default();
        let after = |text: &str, key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key))?;
            Some(line.trim_start_matches([':', '=', ' ', '\t']).trim_matches('"').to_owned())
        };
        let cores = available_parallelism().map_or(0, std::num::NonZero::get);
        let processor =
            after(&file("/proc/cpuinfo"), "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
        let mut lines = vec![
            ("date", text(command("date").args(["-u", "+%Y-%m-%d %H:%M UTC"])).unwrap_or_default()),
            ("commit", ready.workspace.commit()),
            ("processor", format!("{processor}, {cores} cores")),
        ];
        let features = after(&file("/proc/cpuinfo"), "flags").unwrap_or_default();
        let wide: Vec<&str> =
            ["avx2", "fma", "avx512f"].into_iter().filter(|f| features.split(' ').any(|has| has == *f)).collect();
        lines.push(("vector units", wide.join(", ")));
        lines.push(("memory", after(&file("/proc/meminfo"), "MemTotal").unwrap_or_default()));
        lines.push(("system", after(&file("/etc/os-release"), "PRETTY_NAME").unwrap_or_default()));
        lines.push(("compiler", ready.toolchain.name()));
        lines.push(("Node", text(command("node").arg("--version")).unwrap_or_default()));
        let built = std::fs::read(ready.workspace.dist().join("bundles.json")).ok();
        let built: Option<Bundles> = built.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if let Some(cpu) = built.and_then(|bundles| bundles.cpu) {
            lines.push(("site in dist/", format!("commit {}, preset {}", cpu.commit, cpu.preset)));
        }
        let before = load();
        // Compiling and the set-up end just before.
        let busy = before.split(',').next().and_then(|one| one.parse().ok()).is_some_and(|one: f64| one > 1.5);
        lines.push(("load before", before));
        lines.retain(|(_, value)| !value.is_empty());
        Ok(Self { lines, browser: None, busy, side_by_side: None })
    }

    /// A round's [`super::native::side_by_side`].
    pub fn saw(&mut self, [alone, each]: [f64; 2]) {
        let [best_alone, best_each] = self.side_by_side.unwrap_or([f64::INFINITY; 2]);
        self.side_by_side = Some([alone.min(best_alone), each.min(best_each)]);
    }

    /// After the last measurement.
    pub fn finish(&mut self) {
        if let Some(version) = self.browser.take() {
            self.lines.push(("browser", format!("Chromium {version}, headless")));
        }
        if let Some([alone, each]) = self.side_by_side {
            let line = format!("do {:.2} times the steps of one alone", 2.0 * alone / each);
            self.lines.push(("two programs, a thread each", line));
        }
        let load = load();
        if !load.is_empty() {
            self.lines.push(("load after", load));
        }
    }
}

/// Mean number of running programs over 1, 5 and 15 minutes.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(", ")
}
