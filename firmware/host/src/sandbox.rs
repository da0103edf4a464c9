//! What the kernel keeps the compiler and the firmware from: the files, memory and processes of the user.
//!
//! Landlock denies files, signals and other processes' memory; a seccomp filter denies the system calls that it does not
//! cover. Both bind the thread that asks for them and every process that it starts, so a process is started on a thread that
//! exists for this alone. What a kernel lacks, [`missing`] says.

use std::{io, path::Path, process::Command};

use tokio::process::Child;

/// What a process may reach besides the programs and libraries of the system, which it may read and run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access<'a> {
    /// May be read and run: a file, or a folder with all that is in it.
    pub(crate) program: &'a Path,
    /// A folder in which everything may be done; none for a firmware, which may not even change a file's attributes.
    pub(crate) folder: Option<&'a Path>,
}

/// Starts a process within `access`. It ends when it is dropped.
pub(crate) fn spawn(command: Command, access: Access<'_>) -> io::Result<Child> {
    let runtime = tokio::runtime::Handle::current();
    std::thread::scope(|scope| {
        let starting = scope.spawn(move || {
            let _context = runtime.enter();
            #[cfg(target_os = "linux")]
            linux::restrict(access)?;
            #[cfg(not(target_os = "linux"))]
            let _ = (access.program, access.folder);
            tokio::process::Command::from(command).kill_on_drop(true).spawn()
        });
        starting.join().expect("starting a process does not panic")
    })
}

/// What this system does not keep a firmware from, for a person; none if nothing is missing.
#[cfg(not(target_os = "linux"))]
pub fn missing() -> Option<&'static str> {
    Some(NO_LANDLOCK)
}

const NO_LANDLOCK: &str = "This system has no Landlock: the firmware can read, change and delete your files and end your \
                           programs. Flash only what you would run.";

#[cfg(target_os = "linux")]
pub use linux::missing;

#[cfg(target_os = "linux")]
mod linux {
    use std::{collections::BTreeMap, env::consts::ARCH, io, sync::OnceLock};

    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, BitFlags, LandlockStatus, Ruleset, RulesetAttr as _,
        RulesetCreatedAttr as _, Scope, path_beneath_rules,
    };
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition,
        SeccompFilter, SeccompRule, apply_filter,
    };

    use super::{Access, NO_LANDLOCK};

    /// The newest version whose rights are requested; the first that knows signals (Linux 6.12).
    const WANTED: ABI = ABI::V6;

    /// Programs and libraries.
    const SYSTEM: [&str; 11] = [
        "/bin",
        "/etc/ld.so.cache",
        "/gnu/store",
        "/lib",
        "/lib32",
        "/lib64",
        "/nix/store",
        "/opt",
        "/sbin",
        "/usr",
        "/dev/urandom",
    ];

    /// Calls that reach what outlives a process, other processes, the network or the kernel. Landlock covers none of them, or
    /// only in newer kernels.
    const DENIED: &[i64] = &[
        // Shared memory, semaphores, queues and keys stay when their maker has ended.
        libc::SYS_shmget,
        libc::SYS_shmat,
        libc::SYS_shmctl,
        libc::SYS_semget,
        libc::SYS_semop,
        libc::SYS_semtimedop,
        libc::SYS_semctl,
        libc::SYS_msgget,
        libc::SYS_msgsnd,
        libc::SYS_msgrcv,
        libc::SYS_msgctl,
        libc::SYS_mq_open,
        libc::SYS_mq_unlink,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_keyctl,
        // Other processes.
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_process_madvise,
        libc::SYS_process_mrelease,
        libc::SYS_pidfd_getfd,
        libc::SYS_kcmp,
        libc::SYS_move_pages,
        libc::SYS_migrate_pages,
        libc::SYS_setpriority,
        libc::SYS_ioprio_set,
        libc::SYS_sched_setaffinity,
        libc::SYS_sched_setattr,
        libc::SYS_sched_setparam,
        libc::SYS_sched_setscheduler,
        // The network, and servers that listen on a path. A datagram socket of a pair can send to them as well.
        libc::SYS_socket,
        libc::SYS_socketpair,
        // Files behind the back of this filter, or by other ways than their paths.
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_openat2,
        libc::SYS_open_by_handle_at,
        libc::SYS_name_to_handle_at,
        libc::SYS_inotify_add_watch,
        libc::SYS_fanotify_init,
        libc::SYS_fanotify_mark,
        // The kernel; most of these need root.
        libc::SYS_acct,
        libc::SYS_adjtimex,
        libc::SYS_bpf,
        libc::SYS_chroot,
        libc::SYS_clock_adjtime,
        libc::SYS_clock_settime,
        libc::SYS_delete_module,
        libc::SYS_finit_module,
        libc::SYS_init_module,
        libc::SYS_kexec_load,
        libc::SYS_memfd_secret,
        libc::SYS_mount,
        libc::SYS_perf_event_open,
        libc::SYS_pivot_root,
        libc::SYS_quotactl,
        libc::SYS_reboot,
        libc::SYS_setdomainname,
        libc::SYS_sethostname,
        libc::SYS_setns,
        libc::SYS_settimeofday,
        libc::SYS_swapoff,
        libc::SYS_swapon,
        libc::SYS_syslog,
        libc::SYS_umount2,
        libc::SYS_unshare,
        libc::SYS_userfaultfd,
        libc::SYS_vhangup,
    ];

    // Not in libc yet; newer calls have the same number on every processor.
    const SYS_SETXATTRAT: i64 = 463;
    const SYS_REMOVEXATTRAT: i64 = 466;
    const SYS_FILE_SETATTR: i64 = 469;

    /// Calls that empty a file or change its attributes, also where nothing in it may be changed.
    const CHANGES: &[i64] = &[
        libc::SYS_truncate,
        libc::SYS_fchmod,
        libc::SYS_fchmodat,
        libc::SYS_fchmodat2,
        libc::SYS_fchown,
        libc::SYS_fchownat,
        libc::SYS_utimensat,
        libc::SYS_setxattr,
        libc::SYS_lsetxattr,
        libc::SYS_fsetxattr,
        SYS_SETXATTRAT,
        libc::SYS_removexattr,
        libc::SYS_lremovexattr,
        libc::SYS_fremovexattr,
        SYS_REMOVEXATTRAT,
        SYS_FILE_SETATTR,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_chmod,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_chown,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_lchown,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_utime,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_utimes,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_futimesat,
    ];

    /// Calls that open a file, with the position of their flags. `O_TRUNC` empties it even when it is opened for reading.
    const OPENS: &[(i64, u8)] = &[
        (libc::SYS_openat, 2),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_open, 1),
    ];

    /// What the kernel took.
    pub(super) struct Restricted {
        landlock: ABI,
        has_filter: bool,
    }

    /// Restricts this thread and all that it starts, as far as the kernel can.
    pub(super) fn restrict(access: Access<'_>) -> io::Result<Restricted> {
        let read = AccessFs::from_read(WANTED);
        let rules = Ruleset::default()
            .handle_access(AccessFs::from_all(WANTED))
            .and_then(|rules| rules.handle_access(AccessNet::from_all(WANTED)))
            .and_then(|rules| rules.scope(Scope::from_all(WANTED)))
            .and_then(Ruleset::create)
            .and_then(|rules| rules.add_rules(path_beneath_rules(SYSTEM, read)))
            .and_then(|rules| rules.add_rules(path_beneath_rules([access.program], read)))
            .and_then(|rules| {
                let all = AccessFs::from_all(WANTED);
                rules.add_rules(path_beneath_rules(access.folder, all))
            })
            .and_then(|rules| {
                let use_it: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::WriteFile;
                rules.add_rules(path_beneath_rules(["/dev/null"], use_it))
            })
            .and_then(|rules| rules.restrict_self());
        let status = rules.map_err(io::Error::other)?.landlock;
        let filter = filter(access.folder.is_none());
        Ok(Restricted {
            landlock: match status {
                LandlockStatus::Available { effective_abi, .. } => effective_abi,
                LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => ABI::Unsupported,
            },
            has_filter: filter.is_some_and(|filter| apply_filter(&filter).is_ok()),
        })
    }

    /// None on a processor that seccompiler does not know.
    fn filter(is_firmware: bool) -> Option<BpfProgram> {
        let condition = |argument, length, op, value| {
            let condition = SeccompCondition::new(argument, length, op, value);
            let rule = condition.and_then(|condition| SeccompRule::new(vec![condition]));
            vec![rule.expect("the condition is on one of six arguments")]
        };
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
            DENIED.iter().map(|call| (*call, Vec::new())).collect();
        // The limits of another process.
        rules.insert(libc::SYS_prlimit64, condition(0, Len::Dword, Op::Ne, 0));
        if is_firmware {
            rules.extend(CHANGES.iter().map(|call| (*call, Vec::new())));
            let truncates = u64::try_from(libc::O_TRUNC).expect("a flag is positive");
            rules.extend(OPENS.iter().map(|(call, flags)| {
                let op = Op::MaskedEq(truncates);
                (*call, condition(*flags, Len::Dword, op, truncates))
            }));
        }
        #[cfg(target_arch = "x86_64")]
        {
            // The same calls, and some of its own, of the x32 interface: the same processor, other numbers.
            const X32: i64 = 0x4000_0000;
            let twins: Vec<_> =
                rules.iter().map(|(call, rules)| (call | X32, rules.clone())).collect();
            rules.extend(twins);
            rules.extend((512..=547).map(|call| (call | X32, Vec::new())));
        }
        let denied = SeccompAction::Errno(u32::try_from(libc::EPERM).expect("it is positive"));
        SeccompFilter::new(rules, SeccompAction::Allow, denied, ARCH.try_into().ok()?)
            .and_then(TryInto::try_into)
            .ok()
    }

    /// What this kernel does not keep a firmware from, for a person; none if nothing is missing.
    pub fn missing() -> Option<&'static str> {
        static MISSING: OnceLock<Option<&'static str>> = OnceLock::new();
        *MISSING.get_or_init(|| {
            let access = Access { program: "/bin/sh".as_ref(), folder: None };
            let tried = std::thread::spawn(move || restrict(access)).join();
            // An error is said when a program is started.
            let kernel = tried.expect("restricting a thread does not panic").ok()?;
            missing_in(kernel.landlock, kernel.has_filter)
        })
    }

    fn missing_in(landlock: ABI, has_filter: bool) -> Option<&'static str> {
        if landlock == ABI::Unsupported {
            Some(NO_LANDLOCK)
        } else if !has_filter {
            Some(
                "This system has no seccomp filters: the firmware can use the network and leave shared memory behind. Flash only what you would run.",
            )
        } else if landlock < ABI::V6 {
            Some(
                "This kernel is older than Linux 6.12: the firmware can end your programs. Flash only what you would run.",
            )
        } else {
            None
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_a_kernel_lacks_is_said() {
            let said = |abi, seccomp| missing_in(abi, seccomp).unwrap_or_default();
            assert!(said(ABI::Unsupported, true).contains("change and delete your files"));
            assert!(said(ABI::V2, true).contains("end your programs"));
            assert!(said(ABI::V6, false).contains("use the network"));
            assert_eq!(missing_in(ABI::V6, true), None);
        }
    }
}
