//! Facts about the machine and this process, as far as the system tells them.

use std::fs;

/// What figures depend on.
#[derive(Clone, Default, Debug)]
pub struct Machine {
    /// Name of the processor.
    pub processor: Option<String>,
    /// Cores that this process may use.
    pub cores: usize,
    /// Bytes of main memory.
    pub memory_bytes: Option<u64>,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let name = text.lines().find_map(|line| line.strip_prefix("model name"));
        Self {
            processor: name.map(|name| name.trim_start_matches([' ', '\t', ':']).to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: field("/proc/meminfo", "MemTotal:"),
        }
    }
}

/// Bytes of main memory that this process takes up; 0 where the system does not tell.
pub fn resident_bytes() -> u64 {
    field("/proc/self/status", "VmRSS:").unwrap_or(0)
}

/// The most that it ever took up.
pub fn resident_bytes_max() -> u64 {
    field("/proc/self/status", "VmHWM:").unwrap_or(0)
}

/// Bytes of main memory that programs may still have, if the system tells.
pub fn available_bytes() -> Option<u64> {
    field("/proc/meminfo", "MemAvailable:")
}

/// A line such as `MemTotal:  24000000 kB`.
fn field(file: &str, name: &str) -> Option<u64> {
    kilobytes(&fs::read_to_string(file).ok()?, name)
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_kilobytes_of_a_named_line() {
        let text = "VmPeak:\t  9 kB\nVmRSS:\t   1234 kB\nThreads:\t3\n";
        assert_eq!(kilobytes(text, "VmRSS:"), Some(1234 * 1024));
        assert_eq!(kilobytes(text, "Threads:"), None);
        assert_eq!(kilobytes(text, "VmHWM:"), None);
    }
}
