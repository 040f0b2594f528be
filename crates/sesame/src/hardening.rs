//! What keeps key material inside this process.

use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::prctl::set_dumpable;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};

use crate::config::Settings;

/// New files are for their owner only, whoever makes them in this process.
pub(crate) fn private_files() {
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
}

/// Applies what the settings ask for. A measure that the system refuses is logged and never silently missing.
pub(crate) fn apply(settings: &Settings) {
    measure("no core dumps", settings.hardening_no_core_dumps, || setrlimit(Resource::RLIMIT_CORE, 0, 0));
    measure("not dumpable", settings.hardening_not_dumpable, || set_dumpable(false));
    measure("memory locked", settings.hardening_lock_memory, || {
        mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE)
    });
}

/// Lets the process hold as many connections as the system allows it; most systems begin with 1,024.
pub(crate) fn raise_file_limit() {
    let raised =
        getrlimit(Resource::RLIMIT_NOFILE).and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(refused) = raised {
        tracing::warn!(cause = %refused, "the limit of open files could not be raised");
    }
}

fn measure(name: &str, wanted: bool, take: impl FnOnce() -> nix::Result<()>) {
    if !wanted {
        return tracing::info!(measure = name, "hardening measure switched off");
    }
    match take() {
        Ok(()) => tracing::info!(measure = name, "hardening measure taken"),
        Err(refused) => tracing::warn!(measure = name, cause = %refused, "hardening measure refused by the system"),
    }
}
